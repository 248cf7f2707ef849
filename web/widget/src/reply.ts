/** One reply of the bot: its text as plain paragraphs, how urgent it is, what it rests on, and whether it helped. */
import { html, nothing, type TemplateResult } from 'lit-html'
import type { Reply, Source } from './api'
import * as icons from './icons'
import { fill, type Texts } from './texts'

/**
 * @param fresh the class of what has just come
 * @param helpful what the visitor said of it
 * @param rate called with what the visitor says of it; without it, nothing can be said any more
 */
export function reply(
  { paragraphs, level, alert, topics, sources, check_question }: Reply,
  speaker: string,
  texts: Texts,
  fresh: string,
  helpful: boolean | undefined,
  rate: ((helpful: boolean) => void) | undefined,
): TemplateResult {
  const warns = alert && level && level in icons.levels
  const text = paragraphs.map((one) => html`<p dir="auto">${one}</p>`)
  const asks = rate && topics.length > 0 && !alert && !check_question
  return html`<div class="turn ${fresh}"><span class="sr">${speaker}:</span>
    ${warns
      ? html`<div class="bubble alert ${level}"><p class="title">${icons.levels[level]}${texts[level as keyof Texts]}</p><div>${text}</div></div>`
      : html`<div class="bubble">${text}</div>`}
    ${sources.length || asks
      ? html`<div class="under">
          ${sources.length
            ? html`<details><summary>${texts.sources}</summary>${sources.map((one) => source(one, texts))}</details>`
            : nothing}
          ${asks
            ? html`<div class="rate" role="group" aria-label=${texts.helpful}>
                ${choice(texts.yes, icons.up, helpful === true, () => rate(true))}
                ${choice(texts.no, icons.down, helpful === false, () => rate(false))}
              </div>`
            : nothing}
        </div>`
      : nothing}
  </div>`
}

function choice(label: string, icon: TemplateResult, chosen: boolean, choose: () => void): TemplateResult {
  return html`<button type="button" aria-label=${label} title=${label} aria-pressed=${chosen} @click=${choose}>${icon}</button>`
}

function source(one: Source, texts: Texts): TemplateResult {
  const { title, publisher, reviewer, updated, url, note, references } = one
  const web = url && /^https?:/i.test(url)
  const line = (text: string, values: Record<string, string | undefined>) =>
    Object.values(values).some(Boolean) ? html`<p>${fill(text, values)}</p>` : nothing
  return html`<div class="source" dir="auto">
    <p><b>${web ? html`<a href=${url} target="_blank" rel="noopener noreferrer">${title}</a>` : title}</b></p>
    ${line(texts.publisher, { publisher })}${line(texts.reviewer, { reviewer })}${line(texts.updated, { updated })}
    ${note ? html`<p>${note}</p>` : nothing}
    ${references?.length
      ? html`<p>${texts.references}:</p><ol>${references.map((reference) => html`<li>${reference}</li>`)}</ol>`
      : nothing}
  </div>`
}
