/** Keeps a conversation as a test: what is said, what must come back, and why it matters. */
import { html, nothing, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { call } from '../api'
import type { Draft } from '../types'
import * as names from '../names'
import { empty, trouble, waiting } from '../parts'
import { link } from '../router'
import { save, say, View } from '../view'

type Turn = Draft['turns'][number]
const EXPECT: { [key: string]: string } = {
  topics: 'It is about exactly',
  topics_include: 'It is about at least',
  signs: 'Warning signs are exactly',
  signs_include: 'Warning signs are at least',
  level: 'The level is',
  outcome: 'The guided check ends with',
  check_question: 'It ends in a question of the guided check',
  buttons_include: 'These buttons are offered',
  says: 'The reply contains',
  says_not: 'The reply does not contain',
  intent: 'The kind of message is',
  offered: 'The button is offered',
}
const LISTS = ['says', 'says_not']

@customElement('milia-test-new')
export class TestNew extends View {
  @property({ attribute: false }) query = new URLSearchParams()
  @state() private turns?: Turn[]
  /** What is switched off, as `turn/expectation`. */
  @state() private off: string[] = []
  @state() private missing = ''
  @state() private done?: { file: string; name: string; saved: boolean; text: string }

  private get source(): { conversation?: string; try?: string } {
    const from = (name: string) => this.query.get(name) ?? undefined
    return from('try') ? { try: from('try') } : { conversation: from('conversation') }
  }

  protected override firstUpdated(): void {
    void this.load()
  }

  private load = async (): Promise<void> => {
    const turn = this.query.get('turn')
    const body = { ...this.source, ...(this.source.try && turn ? { try_turn: turn } : {}) }
    this.turns = (await this.attempt('load', () => call('post', '/tests/draft', { body })))?.turns
  }

  protected override render(): TemplateResult {
    return html`<p class="go"><a href=${link(['tests'])}>Tests</a></p><h1>Keep as a test</h1>
      ${this.done ? this.kept() : this.turns ? this.form(this.turns) : this.problem ? trouble(this.problem, this.load) : waiting('Preparing the test')}`
  }

  private form(turns: Turn[]): TemplateResult {
    if (!turns.length) return empty('Nothing was said in this conversation.', 'Send a message first.', html`<a class="button" href=${link(['try'])}>Go to “Try it”</a>`)
    return html`<form class="card" aria-label="Keep as a test" @submit=${this.submit}>
      <label class="field"><span>Name of the test</span><input name="name" maxlength="120"></label>
      <label class="field"><span>Why does it matter? One sentence</span><textarea name="why" rows="2" maxlength="500"></textarea></label>
      <label class="field"><span>File it goes into</span><input name="file" value="console.yml" pattern="[a-z0-9_\\-]+\\.yml" maxlength="64" autocapitalize="none" spellcheck="false"></label>
      ${turns.some((one) => one.user === null && one.press === null)
        ? html`<p class="hint">Word each message anew: words of patients never go into the bot’s files. What was written stands above the box.</p>`
        : nothing}
      <ol class="turns">${turns.map((one, index) => this.turn(one, index))}</ol>
      ${this.missing ? html`<p class="error" role="alert">${this.missing}</p>` : nothing}
      ${trouble(this.problem)}
      <p class="buttons"><button class="main" ?disabled=${this.busy !== ''}>Save the test</button></p>
    </form>`
  }

  private turn(one: Turn, index: number): TemplateResult {
    const expected = Object.entries(one.expect).filter(([key]) => !LISTS.includes(key))
    const field = (key: 'says' | 'says_not') => {
      const now = one.expect[key]
      return html`<label class="field"><span>${EXPECT[key]} (a phrase a line)</span>
        <textarea rows="2" name="${key}-${index}" .value=${Array.isArray(now) ? now.join('\n') : ''}></textarea></label>`
    }
    return html`<li><fieldset><legend>Turn ${index + 1}</legend>
      ${one.press !== null
        ? html`<p>The person presses “${one.press}”.</p>`
        : html`${one.user === null ? html`<blockquote class="said" dir="auto">${one.original}</blockquote>` : nothing}
            <label class="field"><span>The person writes</span><textarea rows="2" name="user-${index}" .value=${one.user ?? ''} maxlength="8000"></textarea></label>`}
      <p class="who">What must come back</p>
      ${expected.map(
        ([key, wanted]) => html`<label class="tick"><input type="checkbox" .checked=${!this.off.includes(`${index}/${key}`)}
          @change=${(event: Event) => this.toggle(`${index}/${key}`, (event.target as HTMLInputElement).checked)}> ${EXPECT[key] ?? names.words(key)}: ${inWords(key, wanted)}</label>`,
      )}
      ${field('says')}${field('says_not')}
    </fieldset></li>`
  }

  private toggle(key: string, on: boolean): void {
    this.off = on ? this.off.filter((one) => one !== key) : [...this.off, key]
  }

  private submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    const given = new FormData(event.target as HTMLFormElement)
    const field = (name: string) => String(given.get(name) ?? '').trim()
    const turns = this.turns!.map((one, index) => {
      const kept = Object.entries(one.expect).filter(([key]) => !LISTS.includes(key) && !this.off.includes(`${index}/${key}`))
      const lists = LISTS.map((key) => [key, field(`${key}-${index}`).split('\n').map((line) => line.trim()).filter(Boolean)] as const).filter(([, lines]) => lines.length)
      const expect = Object.fromEntries([...kept, ...lists])
      const said = one.press === null ? { user: field(`user-${index}`) } : { press: one.press }
      return Object.keys(expect).length ? { ...said, expect } : said
    })
    const unsaid = turns.findIndex((one, index) => 'user' in one && !one.user && this.turns![index]!.original !== '')
    this.missing = !field('name') || !field('why') ? 'Give the test a name and say why it matters.' : unsaid >= 0 ? `Write what the person says in turn ${unsaid + 1}.` : ''
    if (this.missing) return
    const body = { file: field('file'), name: field('name'), why: field('why'), turns, ...this.source }
    this.done = await this.attempt('save', () => call('post', '/tests', { body }))
    if (this.done?.saved) say(`“${this.done.name}” is saved.`)
  }

  private kept(): TemplateResult {
    const { file, name, saved, text } = this.done!
    return html`<section class="card"><h2>${saved ? `“${name}” is saved` : 'Take the test with you'}</h2>
      <p>${saved ? html`It stands in <span class="code">${file}</span> and runs with the others from now on.` : html`This server may not write the tests. Give this text to whoever looks after the bot: it belongs into <span class="code">tests/dialogs/${file}</span>.`}</p>
      <pre tabindex="0" role="region" aria-label="The test as a file">${text}</pre>
      <p class="buttons">${saved ? html`<a class="button main" href=${link(['tests'])}>See all tests</a>` : html`<button type="button" class="main" @click=${() => save(file, text, 'text/yaml')}>Download it</button>`}</p></section>`
  }
}

function inWords(key: string, wanted: unknown): string {
  if (Array.isArray(wanted)) return wanted.length ? wanted.map((one) => inWords(key, one)).join(', ') : 'none'
  if (typeof wanted !== 'string') return names.value(wanted)
  if (key.startsWith('topics')) return names.topic(wanted)
  if (key.startsWith('signs')) return names.sign(wanted)
  if (key === 'level') return names.level(wanted)
  return key === 'buttons_include' ? `“${wanted}”` : names.words(wanted)
}
