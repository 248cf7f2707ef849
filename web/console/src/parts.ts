/** Small pieces that several views show. */
import { html, nothing, svg, type TemplateResult } from 'lit'
import type { Problem } from './api'
import * as names from './names'

export type Part = TemplateResult | typeof nothing

/** What went wrong and what to do, with a button that tries again. */
export function trouble(problem: Problem | undefined, again?: () => void): Part {
  if (!problem) return nothing
  return html`<div class="trouble" role="alert">
    <p>${problem.message}</p>
    ${problem.faults.length ? html`<ul>${problem.faults.map((one) => html`<li>${one}</li>`)}</ul>` : nothing}
    ${again ? html`<button type="button" @click=${again}>Try again</button>` : nothing}
  </div>`
}

export function empty(title: string, text: unknown, then: unknown = nothing): TemplateResult {
  return html`<div class="empty"><p class="title">${title}</p><p>${text}</p>${then}</div>`
}

export function waiting(what: string): TemplateResult {
  return html`<p class="waiting" role="status">${what} …</p>`
}

/** A level as a word with a border; never by colour alone. */
export function level(id: string | null | undefined): Part {
  return id ? html`<span class="chip level ${id}">${names.level(id)}</span>` : nothing
}

export function chips(ids: string[], title: (id: string) => string, kind = ''): Part {
  return ids.length ? html`${ids.map((id) => html`<span class="chip ${kind}">${title(id)}</span>`)}` : nothing
}

/** A bar for a share of 1; the figure stands beside it, so it is not read out. */
export function bar(share: number, kind = ''): TemplateResult {
  const width = `${Math.max(0, Math.min(1, share)) * 100}%`
  return html`<svg class="bar ${kind}" aria-hidden="true" focusable="false">${svg`<rect width=${width} height="100%"></rect>`}</svg>`
}

/** A table that scrolls by itself on a narrow window. */
export function table(caption: string, heads: string[], rows: unknown[][], hidden = false): TemplateResult {
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${caption}>
    <table>
      <caption class=${hidden ? 'sr' : ''}>${caption}</caption>
      <thead><tr>${heads.map((one) => html`<th scope="col">${one}</th>`)}</tr></thead>
      <tbody>${rows.map((row) => html`<tr>${row.map((one, index) => (index ? html`<td>${one}</td>` : html`<th scope="row">${one}</th>`))}</tr>`)}</tbody>
    </table>
  </div>`
}

/** A select of names with a first choice for "any". */
export function choice(
  label: string,
  any: string,
  options: { id: string; title: string }[],
  chosen: string,
  change: (id: string) => void,
): TemplateResult {
  return html`<label class="field"><span>${label}</span>
    <select @change=${(event: Event) => change((event.target as HTMLSelectElement).value)}>
      ${any ? html`<option value="" ?selected=${!chosen}>${any}</option>` : nothing}
      ${options.map(({ id, title }) => html`<option value=${id} ?selected=${id === chosen}>${title}</option>`)}
    </select></label>`
}
