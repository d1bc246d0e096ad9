import { LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TooltipComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([LineChart, GridComponent, LegendComponent, TooltipComponent, SVGRenderer]);

/** Two lines over the epochs, redrawn at most a few times a second. */
export class Curves {
  #points = [];
  #waiting;

  constructor(element, [training, validation], format) {
    this.chart = init(element, undefined, { renderer: 'svg' });
    this.names = [training, validation];
    this.format = format;
    new ResizeObserver(() => this.chart.resize()).observe(element);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw());
  }

  clear() {
    this.#points = [];
    this.#draw();
  }

  add(epoch, training, validation) {
    this.#points.push([epoch, training, validation]);
    this.#waiting ??= setTimeout(() => this.#draw(), 200);
  }

  #draw() {
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
    const style = getComputedStyle(document.documentElement);
    const [text, line] = ['--muted', '--line'].map((name) => style.getPropertyValue(name));
    const colours = ['--first', '--second'].map((name) => style.getPropertyValue(name));
    this.chart.setOption({
      animation: false,
      color: colours,
      legend: { top: 0, data: this.names, textStyle: { color: text } },
      tooltip: { trigger: 'axis', valueFormatter: this.format },
      grid: { left: 8, right: 16, top: 36, bottom: 8, containLabel: true },
      xAxis: {
        type: 'value',
        min: 1,
        max: 'dataMax',
        minInterval: 1,
        axisLabel: { color: text },
        splitLine: { show: false },
      },
      yAxis: {
        type: 'value',
        scale: true,
        axisLabel: { color: text, formatter: this.format },
        splitLine: { lineStyle: { color: line } },
      },
      series: this.names.map((name, index) => ({
        name,
        type: 'line',
        showSymbol: this.#points.length < 2,
        data: this.#points.map(([epoch, ...values]) => [epoch, values[index]]),
      })),
    });
  }
}
