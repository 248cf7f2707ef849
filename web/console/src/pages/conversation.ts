/** One stored conversation in the X-ray. */
import { html, nothing, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { call, may } from '../api'
import type { Conversation as Stored, Turn } from '../types'
import * as names from '../names'
import { trouble, waiting } from '../parts'
import { go, link } from '../router'
import { talk } from '../talk'
import { View } from '../view'
import '../xray'

@customElement('milia-conversation')
export class ConversationView extends View {
  @property() conversation = ''
  @property({ attribute: false }) query = new URLSearchParams()
  @state() private stored?: Stored
  @state() private selected?: string

  protected override firstUpdated(): void {
    void this.load()
  }

  /** Load the first turns, and as many more as it takes to reach the one that was asked for. */
  private load = async (): Promise<void> => {
    const asked = Number(this.query.get('turn')) || 0
    await this.more()
    while (!this.problem && this.stored?.next && asked > (this.stored.turns.at(-1)?.number ?? 0)) await this.more()
    const turns = this.stored?.turns ?? []
    this.selected = (turns.find((one) => one.number === asked) ?? turns[0])?.id
    if (asked) await this.updateComplete.then(() => this.querySelector('.turn.chosen')?.scrollIntoView({ block: 'center' }))
  }

  private more = async (): Promise<void> => {
    const cursor = this.stored?.next ?? undefined
    const page = await this.attempt('load', () => call('get', '/conversations/{conversation}', { at: { conversation: this.conversation }, query: { cursor } }))
    if (page) this.stored = { ...page, turns: [...(this.stored?.turns ?? []), ...page.turns] }
  }

  protected override render(): TemplateResult {
    const { stored } = this
    const back = html`<a href=${link(['conversations'])} @click=${this.leave}>All conversations</a>`
    if (!stored) return html`<p class="go">${back}</p><h1>Conversation</h1>${this.problem ? trouble(this.problem, this.load) : waiting('Reading the conversation')}`
    const selected = stored.turns.find((one) => one.id === this.selected)
    return html`<div class="two">
      <section class="left" aria-labelledby="title">
        <p class="go">${back}</p>
        <div class="head"><h1 id="title">Conversation of ${names.moment(stored.started_at)}</h1></div>
        <p class="hint">By ${names.words(stored.channel)}, ${names.count(stored.total, 'turn')}. Names and contact data were taken out before it was stored.</p>
        <div class="log" role="region" aria-label="Turns" tabindex="0">
          ${stored.turns.length ? talk({ turns: stored.turns, selected: this.selected, select: this.select }) : html`<p class="none">Nothing was said in it.</p>`}
          ${trouble(this.problem)}
          ${stored.next ? html`<p><button type="button" ?disabled=${this.busy !== ''} @click=${this.more}>Show later turns</button></p>` : nothing}
        </div>
      </section>
      <section class="right" aria-label="X-ray of a turn" tabindex="0">
        <milia-xray .turn=${selected} .of=${{ conversation: stored.id }} .back=${this.back}></milia-xray>
        ${may('editor') ? html`<p class="keep"><a class="button" href=${link(['tests', 'new'], { conversation: stored.id })}>Keep this conversation as a test</a></p>` : nothing}
      </section>
    </div>`
  }

  /** Back to the list as it was filtered, if one came from there. */
  private leave = (event: Event): void => {
    const list = sessionStorage.getItem('milia-list')
    if (!list) return
    event.preventDefault()
    go(link(['conversations']) + list)
  }

  private select = (turn: Turn): void => {
    this.selected = turn.id
    history.replaceState(null, '', link(['conversations', this.conversation], { turn: turn.number }))
    void this.updateComplete.then(() => this.querySelector<View>('milia-xray')?.updateComplete).then(() => this.focusOn('#why'))
  }

  private back = (): void => {
    void this.focusOn('.turn.chosen .ask-why')
  }
}
