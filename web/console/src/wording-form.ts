/** Chooses a wording of an answer and takes the one that shall stand there instead. */
import { html, nothing, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { call } from './api'
import type { Accept, Topic } from './types'
import * as names from './names'
import { choice, trouble } from './parts'
import { View } from './view'

@customElement('milia-wording-form')
export class WordingForm extends View {
  @property({ attribute: false }) form: Partial<Accept> = {}
  /** Topics that were answered: the first is offered first. */
  @property({ attribute: false }) topics: string[] = []
  @property({ attribute: false }) change: (part: Partial<Accept>) => void = () => undefined
  @state() private topic?: Topic

  protected override firstUpdated(): void {
    if (this.topics[0]) void this.load(this.topics[0])
  }

  private load = async (topic: string): Promise<void> => {
    if (!topic) return
    this.topic = await this.attempt('load', () => call('get', '/content/topics/{topic}', { at: { topic } }))
    if (this.topic) this.change({ file: this.topic.file, old: '' })
  }

  protected override render(): TemplateResult {
    const wordings = [...new Set(this.topic?.answers.flatMap((one) => one.sentences.flatMap((sentence) => sentence.wordings)) ?? [])]
    return html`${choice('Answer', 'Choose an answer', names.about().topics, this.topic?.id ?? this.topics[0] ?? '', this.load)}
      ${trouble(this.problem)}
      ${this.topic ? choice('The wording now', 'Choose a wording', wordings.map((id) => ({ id, title: id })), this.form.old ?? '', (old) => this.change({ old })) : nothing}
      ${this.form.old ? html`<blockquote class="said">${this.form.old}</blockquote>` : nothing}
      <label class="field"><span>The new wording</span>
        <textarea rows="3" maxlength="2000" name="new" .value=${this.form.new ?? ''} @input=${(event: Event) => this.change({ new: (event.target as HTMLTextAreaElement).value })}></textarea></label>
      <p class="hint">The facts must stay the same: the change is checked against the article’s facts before it is taken.</p>`
  }
}
