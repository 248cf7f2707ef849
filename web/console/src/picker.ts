/** A list of boxes to tick, with a field that narrows it. */
import { html, nothing, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { View } from './view'

let made = 0

@customElement('milia-picker')
export class Picker extends View {
  @property() label = ''
  @property({ attribute: false }) options: { id: string; title: string }[] = []
  @property({ attribute: false }) chosen: string[] = []
  @property({ attribute: false }) change: (chosen: string[]) => void = () => undefined
  @state() private words = ''
  private readonly name = `picker-${++made}`

  protected override render(): TemplateResult {
    const asked = this.words.toLowerCase()
    const shown = this.options.filter(({ id, title }) => `${id} ${title}`.toLowerCase().includes(asked) || this.chosen.includes(id))
    return html`<fieldset class="picker">
      <legend>${this.label}</legend>
      ${this.options.length > 8
        ? html`<label class="field"><span>Find in the list</span>
            <input type="search" .value=${this.words} autocomplete="off" @input=${(event: Event) => (this.words = (event.target as HTMLInputElement).value)}></label>`
        : nothing}
      <div class="ticks" tabindex="0" role="group" aria-label=${this.label}>
        ${shown.map(
          ({ id, title }) => html`<label><input type="checkbox" name=${this.name} value=${id} .checked=${this.chosen.includes(id)} @change=${this.tick}> ${title}</label>`,
        )}
        ${shown.length ? nothing : html`<p class="none">Nothing in the list fits “${this.words}”.</p>`}
      </div>
    </fieldset>`
  }

  private tick = (event: Event): void => {
    const { value, checked } = event.target as HTMLInputElement
    this.chosen = checked ? [...this.chosen, value] : this.chosen.filter((one) => one !== value)
    this.change(this.chosen)
  }
}
