/** Pictures of figures: SVG of our own, each with a sentence for those who don't see it and the figures as a table. */
import { html, nothing, svg, type TemplateResult } from 'lit'
import { bar, table } from './parts'

export interface Series {
  title: string
  /** Its colour: one of the classes `series-a` to `series-e`. */
  kind: string
  values: number[]
}

const WIDTH = 560
const HEIGHT = 230
const LEFT = 48
const BOTTOM = 28
const TOP = 16

/** Round up to a figure that reads well on an axis. */
export function ceiling(most: number): number {
  if (most <= 4) return 4
  const power = 10 ** Math.floor(Math.log10(most))
  return [1, 2, 4, 6, 8, 10].map((step) => step * power).find((one) => one >= most)!
}

/** Columns over time, a part for each series. */
export function columns(title: string, labels: string[], series: Series[], sentence: string): TemplateResult {
  const totals = labels.map((_, at) => series.reduce((sum, one) => sum + one.values[at]!, 0))
  const top = ceiling(Math.max(0, ...totals))
  const step = (WIDTH - LEFT) / Math.max(1, labels.length)
  const height = (value: number) => (value / top) * (HEIGHT - BOTTOM - TOP)
  const every = Math.ceil(labels.length / 6)
  const parts = labels.map((label, at) => {
    let base = HEIGHT - BOTTOM
    return svg`<g><title>${label}: ${series.map((one) => `${one.title} ${one.values[at]}`).join(', ')}</title>
      <rect class="reach" x=${LEFT + at * step} y="0" width=${step} height=${HEIGHT - BOTTOM}></rect>
      ${series.map((one) => {
        const tall = height(one.values[at]!)
        base -= tall
        return tall ? svg`<rect class=${one.kind} x=${LEFT + at * step + step * 0.12} y=${base} width=${step * 0.76} height=${tall}></rect>` : nothing
      })}
      ${at % every || at > labels.length - every / 2 - 1 ? nothing : svg`<text x=${LEFT + (at + 0.5) * step} y=${HEIGHT - 6} text-anchor="middle">${label}</text>`}</g>`
  })
  const lines = [0, 0.5, 1].map((share) => {
    const y = HEIGHT - BOTTOM - height(top * share)
    return svg`<line x1=${LEFT} x2=${WIDTH} y1=${y} y2=${y}></line><text x=${LEFT - 6} y=${y + 4} text-anchor="end">${top * share}</text>`
  })
  return html`<figure>
    <figcaption><h2>${title}</h2><p>${sentence}</p></figcaption>
    <svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}. ${sentence} The figures are in the table below the picture.">${lines}${parts}</svg>
    ${series.length > 1 ? html`<ul class="key">${series.map((one) => html`<li><svg aria-hidden="true" viewBox="0 0 10 10">${svg`<rect class=${one.kind} width="10" height="10"></rect>`}</svg>${one.title}</li>`)}</ul>` : nothing}
    <details><summary>Show the figures as a table</summary>${table(title, ['Day', ...series.map((one) => one.title)], labels.map((label, at) => [label, ...series.map((one) => one.values[at]!)]), true)}</details>
  </figure>`
}

export interface Line {
  title: unknown
  value: number
  /** What stands behind the bar. */
  figure: unknown
  kind?: string
}

/** Bars with their names and figures written out: they need no other text. */
export function bars(title: string, lines: Line[], sentence: unknown = nothing, none = 'Nothing in this time.'): TemplateResult {
  const most = Math.max(...lines.map((one) => one.value), 1)
  return html`<section class="figure-list">
    <h2>${title}</h2>${sentence === nothing ? nothing : html`<p>${sentence}</p>`}
    ${lines.length
      ? html`<ul class="bars">${lines.map((one) => html`<li><span>${one.title}</span>${bar(one.value / most, one.kind)}<span class="figure">${one.figure}</span></li>`)}</ul>`
      : html`<p class="none">${none}</p>`}
  </section>`
}
