import { html, type TemplateResult } from 'lit-html'

/** A line icon of 24 units; decoration: its button or label says the word. */
function icon(path: string): TemplateResult {
  return html`<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d=${path}></path></svg>`
}

const CIRCLE = 'M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0Z'

export const chat = icon('M20 11.5a8 8 0 0 1-8.5 8L5 21l1-3.6a8 8 0 1 1 14-5.9ZM8.5 11.5h.01M12 11.5h.01M15.5 11.5h.01')
export const close = icon('m6 6 12 12M18 6 6 18')
export const more = icon('M4 12h2M11 12h2M18 12h2')
export const send = icon('M12 19V5M5.5 11.5 12 5l6.5 6.5')
export const up = icon(
  'M7 20H4V11h3m0 9V11l4-7c1.7 0 2.5 1.2 2.2 2.8L12.6 10H18a2 2 0 0 1 2 2.3l-1 6A2 2 0 0 1 17 20Z',
)
export const down = icon(
  'M17 4h3v9h-3m0-9v9l-4 7c-1.7 0-2.5-1.2-2.2-2.8l.6-3.2H6a2 2 0 0 1-2-2.3l1-6A2 2 0 0 1 7 4Z',
)
export const notice = icon(`${CIRCLE}M12 11v5M12 8h.01`)

/** One shape for each level, so that colour is not all that tells them apart. */
export const levels: Record<string, TemplateResult> = {
  provider_soon: icon(`${CIRCLE}M12 7v5l3 2`),
  urgent_same_day: icon('M12 3.5 22 20.5H2ZM12 10v5M12 17.8h.01'),
  emergency_now: icon('M8 2.5h8L21.5 8v8L16 21.5H8L2.5 16V8ZM12 7v6M12 16.5h.01'),
}
