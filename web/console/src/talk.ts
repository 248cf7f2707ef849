/** A conversation, turn by turn, as the person saw it. */
import { html, nothing, type TemplateResult } from 'lit'
import { repeat } from 'lit/directives/repeat.js'
import type { Button, Turn } from './types'
import { level } from './parts'

export interface Talk {
  turns: Turn[]
  /** Id of the turn that is in the X-ray. */
  selected?: string
  select: (turn: Turn) => void
  /** What else can be done with a turn. */
  more?: (turn: Turn) => unknown
  /** Presses a button of the last reply. */
  press?: (button: Button, turn: Turn) => void
}

export function talk({ turns, selected, select, more, press }: Talk): TemplateResult {
  return html`<ol class="talk">${repeat(
    turns,
    (one) => one.id,
    (one, index) => turn(one, one.id === selected, select, more, index === turns.length - 1 ? press : undefined),
  )}</ol>`
}

function turn(one: Turn, chosen: boolean, select: Talk['select'], more: Talk['more'], press: Talk['press']): TemplateResult {
  const buttons = one.replies.flatMap((reply) => reply.buttons)
  return html`<li class="turn ${chosen ? 'chosen' : ''}">
    <p class="who">${one.scene ? 'Set by the scene' : one.user.pressed ? 'The person pressed' : 'The person'}</p>
    <div class="bubble me" dir="auto">${one.user.text || html`<em>an empty message</em>`}</div>
    <p class="who">The bot ${one.level.before === one.level.after ? nothing : level(one.level.after)}</p>
    ${one.replies.map((reply) => html`<div class="bubble" dir="auto">${reply.text}</div>`)}
    ${one.replies.length ? nothing : html`<p class="none">No reply was kept.</p>`}
    ${buttons.length
      ? press
        ? html`<div class="quick" role="group" aria-label="Quick replies">${buttons.map(
            (button) => html`<button type="button" @click=${() => press(button, one)}>${button.title}</button>`,
          )}</div>`
        : html`<p class="small">Offered: ${buttons.map(({ title }) => `“${title}”`).join(', ')}</p>`
      : nothing}
    <div class="under">
      <button type="button" class="ask-why" aria-pressed=${chosen} @click=${() => select(one)}>Why did the bot say this?</button>
      ${more?.(one) ?? nothing}
    </div>
  </li>`
}
