/** A file of dialog tests, to read and edit. */
import { html, nothing, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { call, may, type Problem } from '../api'
import type { TestFile as Read } from '../types'
import * as names from '../names'
import { trouble, waiting } from '../parts'
import { link } from '../router'
import { save, say, View } from '../view'

@customElement('milia-test-file')
export class TestFile extends View {
  @property() file = ''
  @state() private one?: Read
  @state() private text = ''
  @state() private conflict?: Problem

  protected override firstUpdated(): void {
    void this.load()
  }

  private load = async (): Promise<void> => {
    const one = await this.attempt('load', () => call('get', '/tests/files/{file}', { at: { file: this.file } }))
    if (!one) return
    this.one = one
    this.text = one.text
    this.conflict = undefined
  }

  protected override render(): TemplateResult {
    const { one } = this
    return html`<p class="go"><a href=${link(['tests'])}>Tests</a></p><h1>${this.file}</h1>
      ${one ? this.page(one) : this.problem ? trouble(this.problem, this.load) : waiting('Reading the file')}`
  }

  private page(one: Read): TemplateResult {
    const edit = may('editor') && names.about().can_save_tests
    return html`
      <p class="hint">${names.count(one.tests.length, 'test')} in this file.${may('editor') && !edit ? ' This server may not write tests: download the file to change it.' : ''}</p>
      ${one.faults.length ? html`<div class="trouble"><p>Something in this file is not in order:</p><ul>${one.faults.map((fault) => html`<li>${fault}</li>`)}</ul></div>` : nothing}
      <form class="card" aria-label=${this.file} @submit=${this.submit}>
        <label class="field"><span>The tests (indentation counts)</span>
          <textarea class="code" rows="28" spellcheck="false" maxlength="500000" ?readonly=${!edit} .value=${this.text} @input=${(event: Event) => (this.text = (event.target as HTMLTextAreaElement).value)}></textarea></label>
        ${this.conflict
          ? html`<div class="trouble" role="alert"><p>${this.conflict.fault.by ?? 'Somebody else'} has saved this file since you opened it. Nothing of yours was saved, and it is still in the box. Download it, load theirs, then put yours in again.</p>
              <p class="buttons"><button type="button" @click=${() => save(this.file, this.text, 'text/yaml')}>Download mine</button><button type="button" @click=${this.load}>Load theirs</button></p></div>`
          : nothing}
        ${trouble(this.problem)}
        <p class="buttons">${edit
          ? html`<button class="main" ?disabled=${this.busy !== '' || this.text === one.text}>Save</button>
              <button type="button" ?disabled=${this.text === one.text} @click=${this.revert}>Undo my changes</button>`
          : html`<button type="button" @click=${() => save(this.file, one.text, 'text/yaml')}>Download it</button>`}</p>
      </form>`
  }

  private revert = (): void => {
    const mine = this.text
    this.text = this.one!.text
    say('Your changes are taken back.', () => (this.text = mine))
  }

  private submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    const { text, version } = this.one!
    await this.put(this.text, version, () => this.put(text, this.one!.version))
  }

  private async put(text: string, version: string, undo?: () => void): Promise<void> {
    const saved = await this.attempt('save', () => call('put', '/tests/files/{file}', { at: { file: this.file }, body: { text, version } }))
    if (saved) {
      this.one = saved
      this.text = saved.text
      say(undo ? `${this.file} is saved.` : `${this.file} is as it was.`, undo)
    } else if (this.problem?.code === 'conflict') {
      this.conflict = this.problem
      this.problem = undefined
    }
  }
}
