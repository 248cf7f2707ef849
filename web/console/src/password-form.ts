/** Changes one's own password. */
import { html, nothing, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { call } from './api'
import { trouble } from './parts'
import { say, View } from './view'

export const SHORTEST = 12

@customElement('milia-password')
export class PasswordForm extends View {
  @property({ attribute: false }) done: () => void = () => undefined
  @state() private fault = ''

  protected override render(): TemplateResult {
    return html`<form @submit=${this.submit} aria-labelledby="change">
      <label class="field"><span>Password until now</span><input name="old" type="password" autocomplete="current-password" required></label>
      <label class="field"><span>New password (${SHORTEST} characters or more)</span><input name="new" type="password" autocomplete="new-password" minlength=${SHORTEST} required></label>
      <label class="field"><span>New password once more</span><input name="again" type="password" autocomplete="new-password" required></label>
      ${this.fault ? html`<p class="error" role="alert">${this.fault}</p>` : nothing}${trouble(this.problem)}
      <p class="buttons"><button class="main" ?disabled=${this.busy !== ''}>Change it</button><button type="button" class="quiet" @click=${this.done}>Cancel</button></p>
    </form>`
  }

  private submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    const given = new FormData(event.target as HTMLFormElement)
    const [old, fresh, again] = ['old', 'new', 'again'].map((name) => String(given.get(name))) as [string, string, string]
    this.fault = fresh === again ? '' : 'The new password and its repetition differ: type both again.'
    if (this.fault) return
    const done = await this.attempt('change', async () => {
      await call('post', '/password', { body: { old, new: fresh } })
      return true
    })
    if (!done) return
    say('Your password is changed. Other places where you were logged in are logged out.')
    this.done()
  }
}
