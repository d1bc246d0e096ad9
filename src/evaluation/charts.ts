import { BarChart, LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { EvaluationReport } from './evaluate-model.ts';

use([BarChart, LineChart, GridComponent, LegendComponent, SVGRenderer]);

/** Units of the viewBox: what a phone shows without shrinking. */
const SIZE = { width: 340, height: 260 } as const;
/** Custom properties of the page, so that light and dark need one drawing. */
const TEXT = 'var(--text)';
const LINE = 'var(--line)';
const RIGHT = 'var(--right)';
const WRONG = 'var(--wrong)';

const axis = (name: string, more: object = {}) => ({
  ...{ type: 'value', min: 0, name, nameLocation: 'middle', nameGap: 26 },
  nameTextStyle: { color: TEXT, fontSize: 12 },
  axisLabel: { color: TEXT, fontSize: 11 },
  axisLine: { lineStyle: { color: LINE } },
  splitLine: { lineStyle: { color: LINE } },
  ...more,
});
const GRID = { left: 48, right: 14, top: 34, bottom: 44 } as const;
const LEGEND = { top: 0, itemWidth: 14, itemHeight: 10, textStyle: { color: TEXT, fontSize: 12 } } as const;

/** Draws a chart as an SVG element. */
function draw(option: object, description: string): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...SIZE });
  try {
    chart.setOption({ animation: false, textStyle: { fontFamily: 'system-ui, sans-serif' }, ...option });
    return (
      chart
        .renderToSVGString()
        // What happens under a pointer.
        .replace(/<style[^]*?<\/style>/, '')
        .replace(
          /<svg [^>]*>/,
          `<svg viewBox="0 0 ${SIZE.width} ${SIZE.height}" xmlns="http://www.w3.org/2000/svg" role="img" aria-label="${description}"><title>${description}</title>`,
        )
    );
  } finally {
    chart.dispose();
  }
}

/** How often the model is right when it is so sure. */
export function reliabilityChart({ calibration }: EvaluationReport): string {
  const points = calibration.bins.filter(({ count }) => count > 0);
  return draw(
    {
      grid: GRID,
      legend: { ...LEGEND, data: ['measured', 'as sure as right'] },
      xAxis: axis('confidence', { max: 1 }),
      yAxis: axis('share that is right', { max: 1, nameGap: 32 }),
      series: [
        {
          ...{ name: 'as sure as right', type: 'line', symbol: 'none' },
          data: [
            [0, 0],
            [1, 1],
          ],
          lineStyle: { color: TEXT, type: 'dashed', width: 1 },
          itemStyle: { color: TEXT },
        },
        {
          ...{ name: 'measured', type: 'line', symbol: 'circle', symbolSize: 7 },
          data: points.map(({ confidence, accuracy }) => [confidence, accuracy]),
          lineStyle: { color: RIGHT, width: 2 },
          itemStyle: { color: RIGHT },
        },
      ],
    },
    'Reliability: the share of right answers at each confidence',
  );
}

/** How sure the model is of its right and wrong answers. */
export function confidenceChart({ confidences }: EvaluationReport): string {
  const bins = confidences.right.length;
  const series = (name: string, data: readonly number[], color: string) => ({
    ...{ name, type: 'bar', stack: 'all', data: [...data], itemStyle: { color }, barCategoryGap: '8%' },
  });
  return draw(
    {
      grid: GRID,
      legend: { ...LEGEND, data: ['right', 'wrong'] },
      xAxis: axis('confidence', {
        type: 'category',
        data: confidences.right.map((_, index) => ((index + 0.5) / bins).toFixed(2)),
        axisTick: { show: false },
      }),
      yAxis: axis('photos', { nameGap: 32, minInterval: 1 }),
      series: [series('right', confidences.right, RIGHT), series('wrong', confidences.wrong, WRONG)],
    },
    'Confidences of right and wrong answers',
  );
}
