/** Try it: talk to the bot and see, beside it, why it says what it says. */
import { html, nothing, type TemplateResult } from 'lit'
import { customElement } from 'lit/decorators.js'
import { may } from '../api'
import type { Button, Turn } from '../types'
import '../compare'
import * as names from '../names'
import { choice, empty, trouble } from '../parts'
import { link } from '../router'
import { talk } from '../talk'
import * as trial from '../trial'
import { say, View } from '../view'
import '../xray'

const EXAMPLES = ['How long do milia last?', 'Can I pop them myself?', 'My eyelid is swollen and hurts']

@customElement('milia-try')
export class TryIt extends View {
  protected override async firstUpdated(): Promise<void> {
    await this.attempt('reload', trial.reload)
    // A conversation of yesterday is gone: that is no news.
    this.problem = undefined
    this.querySelector<HTMLElement>('textarea')?.focus()
    void this.down()
  }

  protected override render(): TemplateResult {
    const now = trial.current()
    const turns = trial.branch()
    const selected = turns.find((one) => one.id === now.selected)
    return html`<div class="two">
      <section class="left" aria-labelledby="title">
        <div class="head">
          <h1 id="title">Try it</h1>
          ${turns.length ? html`<button type="button" class="quiet" @click=${() => this.setScene(now.scene)}>Start over</button>` : nothing}
          ${choice('Set the scene', 'From the beginning', names.about().scenes, now.scene, this.setScene)}
        </div>
        ${this.sceneNote()}
        <div class="log" role="log" aria-label="Conversation with the bot" tabindex="0">
          ${turns.length
            ? talk({ turns, selected: selected?.id, select: this.select, more: this.more, press: this.press })
            : empty(
                'Write what a person might write.',
                'Beside the reply you will see why the bot said it. Nobody else sees this conversation, and it is forgotten after an hour.',
                html`<p class="quick">${EXAMPLES.map((one) => html`<button type="button" @click=${() => this.send({ text: one })}>${one}</button>`)}</p>`,
              )}
        </div>
        ${this.form()}
      </section>
      <section class="right" aria-label="X-ray of a turn" tabindex="0">
        ${selected
          ? html`<milia-xray .turn=${selected} .of=${{ try: now.id }} .back=${this.back}></milia-xray>
              ${may('editor')
                ? html`<milia-compare .turns=${turns.slice(0, turns.indexOf(selected) + 1)}></milia-compare>
                    <p class="keep"><a class="button" href=${link(['tests', 'new'], { try: now.id, turn: now.leaf })}>Keep this conversation as a test</a></p>`
                : nothing}`
          : empty('Nothing to explain yet.', 'Send a message. The explanation of the reply appears here.')}
      </section>
    </div>`
  }

  private sceneNote(): unknown {
    const scene = names.about().scenes.find((one) => one.id === trial.current().scene)
    return scene ? html`<p class="hint">${scene.description}</p>` : nothing
  }

  private form(): TemplateResult {
    const now = trial.current()
    const from = now.after === undefined ? undefined : now.turns.find((one) => one.id === now.after)
    const gone = this.problem?.code === 'try-gone'
    return html`<form class="say" aria-label="Message" @submit=${this.submit}>
      ${now.after === undefined
        ? nothing
        : html`<p class="hint">${from ? html`Your message comes after “${from.user.text.slice(0, 60)}”.` : 'Your message starts the conversation again.'} What came later stays as another version.
            <button type="button" class="quiet" @click=${this.stay}>Stay at the end instead</button></p>`}
      ${gone
        ? html`<div class="trouble" role="alert"><p>The bot has forgotten this conversation: it is kept for an hour. Your message is still in the box.</p>
            <button type="button" @click=${this.anew}>Start a new one with it</button></div>`
        : trouble(this.problem)}
      <label class="field"><span>Message, as a person would write it</span>
        <textarea rows="2" maxlength="8000" .value=${now.draft} @input=${this.type} @keydown=${this.key} enterkeyhint="send"></textarea></label>
      <button class="main" ?disabled=${this.busy === 'send'}>${this.busy === 'send' ? 'The bot is answering …' : 'Send'}</button>
    </form>`
  }

  private more = (turn: Turn): unknown => {
    if (turn.scene) return nothing
    const same = trial.siblings(turn)
    const at = same.indexOf(turn)
    const step = (by: number) => () => this.show(same[at + by]!)
    const last = trial.current().leaf === turn.id
    return html`<button type="button" class="quiet" @click=${() => this.goBack(turn.parent ?? null, turn.user.pressed ? '' : turn.user.text)}>Try another message here</button>
      ${last ? nothing : html`<button type="button" class="quiet" @click=${() => this.goBack(turn.id, '')}>Go on from here</button>`}
      ${same.length > 1
        ? html`<span class="versions"><button type="button" class="quiet" aria-label="Version before" ?disabled=${at === 0} @click=${step(-1)}>‹</button>
            Version ${at + 1} of ${same.length}
            <button type="button" class="quiet" aria-label="Version after" ?disabled=${at === same.length - 1} @click=${step(1)}>›</button></span>`
        : nothing}`
  }

  private show(turn: Turn): void {
    const now = trial.current()
    now.leaf = trial.below(turn)
    now.selected = turn.id
    now.after = undefined
    this.requestUpdate()
  }

  private goBack(after: string | null, draft: string): void {
    const now = trial.current()
    now.after = after
    if (draft) now.draft = draft
    this.requestUpdate()
    void this.focusOn('textarea')
  }

  private stay = (): void => {
    trial.current().after = undefined
    this.requestUpdate()
    void this.focusOn('textarea')
  }

  private setScene = async (scene: string): Promise<void> => {
    const before = trial.clear(scene)
    this.requestUpdate()
    if (scene) await this.attempt('scene', trial.start)
    this.requestUpdate()
    if (before.turns.length)
      say('A new conversation has begun.', () => {
        trial.restore(before)
        this.requestUpdate()
      })
  }

  private anew = async (): Promise<void> => {
    trial.clear(trial.current().scene)
    await this.send({ text: trial.current().draft })
  }

  private select = (turn: Turn): void => {
    trial.current().selected = turn.id
    this.requestUpdate()
    void this.updateComplete.then(() => this.querySelector<View>('milia-xray')?.updateComplete).then(() => this.focusOn('#why'))
  }

  private back = (): void => {
    void this.focusOn('.turn.chosen .ask-why')
  }

  private press = (button: Button, turn: Turn): void => {
    trial.current().after = turn.id
    void this.send({ payload: button.payload })
  }

  private type = (event: Event): void => {
    trial.current().draft = (event.target as HTMLTextAreaElement).value
  }

  private key = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    void this.send({ text: trial.current().draft })
  }

  private submit = (event: Event): void => {
    event.preventDefault()
    void this.send({ text: trial.current().draft })
  }

  private async send(said: { text: string } | { payload: string }): Promise<void> {
    if (this.busy === 'send') return
    const turn = await this.attempt('send', () => trial.send(said))
    if (turn) {
      if ('text' in said && said.text === trial.current().draft) trial.current().draft = ''
      await this.down()
    }
    this.requestUpdate()
    await this.focusOn('textarea')
  }

  private async down(): Promise<void> {
    this.requestUpdate()
    await this.updateComplete
    this.querySelector('.turn:last-child')?.scrollIntoView({ block: 'nearest' })
    this.querySelector('.right')?.scrollTo(0, 0)
  }
}

