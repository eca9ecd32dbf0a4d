/**
 * The charts: which there are, how they look, and when they are drawn.
 *
 * uPlot draws on a canvas, which knows no CSS: colours are read from the page's own roles, again
 * whenever light turns to dark. Sizes follow the panels.
 */

import uPlot from 'uplot'
import { element } from '../demo/dom.js'
import { age, clock, milliseconds, perSecond } from './figures.js'
import { inMs, KEPT, paceOf, tookOf } from './series.js'

const HEIGHT = 150

/**
 * @typedef {import('./series.js').Snapshot} Snapshot
 * @typedef {{label: string, role: string, of: (snapshot: Snapshot, service: string) => number | null,
 *   axis?: 'y' | 'age'}} Line
 * @typedef {{title: string, note: (service: string) => string, say: (value: number) => string,
 *   lines: Line[], twoAxes?: boolean}} Chart
 */

/** @param {string} percent @param {string} role @returns {Line} */
const publishTime = (percent, role) => ({
  label: percent,
  role,
  of: (it) => inMs(it.publishSeconds?.[percent])
})

/** @param {string} percent @param {string} role @returns {Line} */
const deliveryTime = (percent, role) => ({
  label: percent,
  role,
  of: (it, service) => inMs(paceOf(it, service).deliverySeconds?.[percent])
})

/** @param {string} name @param {string} role @returns {Line} */
const pace = (name, role) => ({
  label: name,
  role,
  of: (it, service) => paceOf(it, service)[name] ?? 0
})

/** @param {string} service */
const forService = (service) => (service === '' ? 'all' : service)
const forAll = () => 'whole gateway'

/** @type {Chart[]} */
const CHARTS = [
  {
    title: 'Events a second',
    note: forService,
    say: perSecond,
    lines: [
      pace('accepted', '--kind-user'),
      { label: 'published', role: '--good', of: (it, service) => tookOf(paceOf(it, service)) },
      pace('failed', '--bad'),
      pace('throttled', '--warn')
    ]
  },
  {
    title: 'Accepted → published',
    note: forService,
    say: milliseconds,
    lines: [
      deliveryTime('p50', '--kind-group'),
      deliveryTime('p95', '--kind-user'),
      deliveryTime('p99', '--kind-client')
    ]
  },
  {
    title: 'One publish',
    note: forAll,
    say: milliseconds,
    lines: [
      publishTime('p50', '--kind-group'),
      publishTime('p95', '--kind-user'),
      publishTime('p99', '--kind-client')
    ]
  },
  {
    title: 'Outbox',
    note: forAll,
    say: perSecond,
    twoAxes: true,
    lines: [
      { label: 'waiting', role: '--accent', of: (it) => it.outbox?.waiting ?? null },
      {
        label: 'oldest',
        role: '--warn',
        axis: 'age',
        of: (it) => it.outbox?.oldestSeconds ?? null
      }
    ]
  }
]

export class Charts {
  #series
  #place
  #service = ''
  /** @type {{chart: Chart, plot: uPlot, box: HTMLElement, note: HTMLElement,
   *   values: HTMLElement[]}[]} */
  #drawn = []

  /** @param {HTMLElement} place @param {import('./series.js').Series} series */
  constructor(place, series) {
    this.#place = place
    this.#series = series
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.build())
    new ResizeObserver(() => this.#fit()).observe(place)
  }

  /** @param {string} service Empty for all. */
  show(service) {
    this.#service = service
    this.draw()
  }

  /** Make all charts, in the colours of now. */
  build() {
    for (const { plot } of this.#drawn) plot.destroy()
    this.#drawn = CHARTS.map((chart) => {
      const note = element('span', { className: 'tally' })
      const values = chart.lines.map(() => element('b', {}, '–'))
      const legend = element(
        'ul',
        { className: 'legend' },
        ...chart.lines.map((line, at) =>
          element('li', { dataset: { role: line.role } }, line.label, values[at] ?? '')
        )
      )
      const box = element('div', { className: 'plot', aria: { hidden: 'true' } })
      const panel = element(
        'article',
        { className: 'panel', aria: { label: chart.title } },
        element('div', { className: 'section-head' }, element('h2', {}, chart.title), note),
        legend,
        box
      )
      return { chart, box, note, values, panel, plot: new uPlot(this.#options(chart), [[]], box) }
    }).map(({ panel, ...rest }, at) => {
      const before = this.#place.children[at]
      if (before === undefined) this.#place.append(panel)
      else before.replaceWith(panel)
      return rest
    })
    this.#fit()
    this.draw()
  }

  /** Show what there is. */
  draw() {
    const latest = this.#series.latest
    for (const { chart, plot, note, values } of this.#drawn) {
      const lines = chart.lines.map((it) => (/** @type {Snapshot} */ of) => it.of(of, this.#service))
      plot.setData(this.#series.columns(lines))
      note.textContent = chart.note(this.#service)
      chart.lines.forEach((line, at) => {
        const value = latest === undefined ? null : line.of(latest, this.#service)
        const it = values[at]
        if (it === undefined) return
        it.textContent = value === null ? '–' : line.axis === 'age' ? age(value) : chart.say(value)
      })
    }
  }

  #fit() {
    for (const { plot, box } of this.#drawn) {
      if (box.clientWidth > 0) plot.setSize({ width: box.clientWidth, height: HEIGHT })
    }
  }

  /** @param {Chart} chart @returns {uPlot.Options} */
  #options(chart) {
    const colours = getComputedStyle(document.documentElement)
    const colour = (/** @type {string} */ role) => colours.getPropertyValue(role).trim()
    const font = `11px ${colours.getPropertyValue('--sans')}`
    const quiet = {
      stroke: colour('--text-soft'),
      font,
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false }
    }
    /** @type {uPlot.Axis[]} */
    const axes = [
      { ...quiet, grid: { show: false }, space: 70, size: 24, values: times },
      { ...quiet, size: 48, space: 34, values: (_, ticks) => ticks.map(chart.say) }
    ]
    if (chart.twoAxes) {
      axes.push({
        ...quiet,
        scale: 'age',
        side: 1,
        grid: { show: false },
        size: 48,
        space: 34,
        values: (_, ticks) => ticks.map(age)
      })
    }
    return {
      width: 300,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      // Room for half of the last time, where no axis leaves it.
      padding: [8, chart.twoAxes ? 0 : 28, 0, 0],
      axes,
      scales: { x: { range: lastMinutes }, y: { range: fromZero }, age: { range: fromZero } },
      series: [
        {},
        ...chart.lines.map((line) => ({
          scale: line.axis ?? 'y',
          stroke: colour(line.role),
          width: 1.75,
          points: { show: false }
        }))
      ]
    }
  }
}

/** @param {uPlot} _ @param {number} _least @param {number} most @returns {[number, number]} */
function fromZero(_, _least, most) {
  return [0, Math.max((most ?? 0) * 1.1, 1)]
}

/** @param {uPlot} _ @param {number} least @param {number} most @returns {[number, number]} */
function lastMinutes(_, least, most) {
  const end = most ?? Date.now() / 1_000
  return [Math.max(end - KEPT, Math.min(least ?? end, end - 60)), end]
}

/** @param {uPlot} _ @param {number[]} ticks */
function times(_, ticks) {
  const apart = (ticks[1] ?? Infinity) - (ticks[0] ?? 0)
  return ticks.map((tick) => {
    const text = clock(new Date(tick * 1_000).toISOString())
    return apart < 60 ? text : text.slice(0, 5)
  })
}
