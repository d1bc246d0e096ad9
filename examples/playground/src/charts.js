import 'uplot/dist/uPlot.min.css';
import UPlot from 'uplot';

const HEIGHT = 220;

/** Two lines over the epochs. */
export class Curves {
  #points = [[], [], []];

  constructor(element, [training, validation], format) {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => () => style.getPropertyValue(name);
    const axis = {
      stroke: colour('--muted'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { stroke: colour('--line'), width: 1 },
    };
    const value = (_, given) => (given == null ? '' : format(given));
    const line = (label, name) => ({ label, stroke: colour(name), width: 2, value });
    const options = {
      width: element.clientWidth,
      height: HEIGHT,
      scales: { x: { time: false } },
      series: [{ label: 'epoch' }, line(training, '--first'), line(validation, '--second')],
      axes: [
        { ...axis, incrs: [1, 2, 5, 10, 20, 50, 100] },
        { ...axis, size: 56, values: (_, values) => values.map(format) },
      ],
    };
    this.plot = new UPlot(options, this.#points, element);
    new ResizeObserver(() => this.plot.setSize({ width: element.clientWidth, height: HEIGHT })).observe(
      element,
    );
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.plot.redraw());
  }

  clear() {
    this.#points = [[], [], []];
    this.plot.setData(this.#points);
  }

  add(...point) {
    point.forEach((value, index) => this.#points[index].push(value));
    this.plot.setData(this.#points);
  }
}
