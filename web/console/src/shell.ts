/** The frame: who is logged in, the way to each view, and what was done last. */
import { html, nothing, type TemplateResult } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import { keyed } from 'lit/directives/keyed.js'
import { call, login, may, Problem } from './api'
import './login-form'
import * as names from './names'
import { find, shown, VIEWS } from './pages'
import './password-form'
import { trouble } from './parts'
import { BASE, go, here, link, watch } from './router'
import type { Session } from './types'
import { say, View, type Note } from './view'

const NOTE_MS = 10_000

@customElement('milia-console')
export class Console extends View {
  @state() private phase: 'starting' | 'out' | 'off' | 'in' = 'starting'
  @state() private menu = false
  @state() private asking = false
  @state() private changing = false
  @state() private note?: Note
  private renewal?: { promise: Promise<void>; done: () => void }
  private shown = ''
  /** The one whose login has ended. */
  private person = ''

  override connectedCallback(): void {
    super.connectedCallback()
    login.renew = this.renew
    watch(this.moved)
    addEventListener('milia-say', (event) => this.tell((event as CustomEvent<Note>).detail))
    addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.menu = false
    })
    void this.start()
  }

  /** What can be undone stays until it is closed. */
  private tell(note: Note): void {
    this.note = note
    if (!note.undo) setTimeout(() => this.note === note && (this.note = undefined), NOTE_MS)
  }

  private start = async (): Promise<void> => {
    this.problem = undefined
    this.phase = 'starting'
    try {
      login.session = await call('get', '/session')
      await this.enter()
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      if (error.code === 'console-off') this.phase = 'off'
      else if (error.status === 401) this.phase = 'out'
      else this.problem = error
    }
  }

  private enter = async (): Promise<void> => {
    await names.load()
    if (!here().parts.length) history.replaceState(null, '', link(['try']))
    this.phase = 'in'
    this.moved()
  }

  /** One login for all requests that wait for it. */
  private renew = (): Promise<void> => {
    if (this.phase !== 'in') return Promise.reject(new Problem(401))
    if (!this.renewal) {
      let done = () => undefined as void
      const promise = new Promise<void>((resolve) => (done = resolve))
      this.renewal = { promise, done }
      this.person = login.session!.user.name
      this.asking = true
    }
    return this.renewal.promise
  }

  private renewed = (): void => {
    this.asking = false
    this.renewal?.done()
    this.renewal = undefined
    say('You are logged in again. Nothing you typed was lost.')
  }

  private moved = (): void => {
    this.menu = false
    this.requestUpdate()
  }

  protected override updated(): void {
    for (const dialog of this.querySelectorAll<HTMLDialogElement>('dialog')) if (!dialog.open) dialog.showModal()
    const view = this.phase === 'in' ? location.pathname : ''
    if (view === this.shown) return
    const first = !this.shown
    this.shown = view
    if (view) void this.arrived(first)
  }

  /** Name the view in the title, and begin at its heading, as a new page would. */
  private async arrived(first: boolean): Promise<void> {
    const view = this.querySelector<View>('main > *')
    await view?.updateComplete
    document.title = `${find(here()).title} – Staff console`
    if (first) return
    scrollTo(0, 0)
    this.querySelector<HTMLElement>('main')?.focus({ preventScroll: true })
  }

  protected override render(): TemplateResult {
    if (this.phase === 'in') return this.frame()
    const body = {
      starting: this.problem ? trouble(this.problem, this.start) : html`<p class="waiting" role="status">Opening …</p>`,
      off: html`<p>The console is turned off: nobody is registered as staff yet.</p>
        <p>Whoever runs the bot adds the first person with <span class="code">milia staff add NAME --role admin</span>. Then reload this page.</p>
        <p class="buttons"><button type="button" class="main" @click=${this.start}>Look again</button></p>`,
      out: html`<milia-login .done=${() => void this.enter()}></milia-login>`,
    }[this.phase]
    return html`<main class="door" id="main"><h1>${brand()} Staff console</h1>${body}</main>`
  }

  private frame(): TemplateResult {
    const place = here()
    const current = place.parts[0]
    const { user } = login.session!
    return html`<a class="skip" href="#main">Skip to the view</a>
      <header class="top">
        <p class="brand">${brand()} Staff console</p>
        <button type="button" class="menu-button" aria-expanded=${this.menu} aria-controls="menu" @click=${() => (this.menu = !this.menu)}>Menu</button>
        <div class="menu ${this.menu ? 'open' : ''}" id="menu">
          <nav aria-label="Views"><ul>${VIEWS.filter((one) => may(one.role)).map(
            (one) => html`<li><a href=${link([one.path])} aria-current=${one.path === current ? 'page' : nothing} @click=${() => (this.menu = false)}>${one.title}</a></li>`,
          )}</ul></nav>
          <div class="person">
            <span>${user.name} <span class="small">(${user.role})</span></span>
            <button type="button" class="quiet" @click=${() => (this.changing = true)}>Password</button>
            <button type="button" class="quiet" @click=${this.leave}>Log out</button>
          </div>
        </div>
      </header>
      <main id="main" tabindex="-1">${keyed(location.pathname + (place.query.get('name') ?? ''), shown(place))}</main>
      <div class="note" role="status">${this.note
        ? html`<p>${this.note.text}</p>
            ${this.note.undo ? html`<button type="button" @click=${this.undo}>Undo</button>` : nothing}
            <button type="button" class="quiet" @click=${() => (this.note = undefined)}>Close</button>`
        : nothing}</div>
      ${this.asking
        ? html`<dialog aria-labelledby="again" @cancel=${(event: Event) => event.preventDefault()}>
            <h2 id="again">Your login has ended</h2>
            <p>Log in to go on. What you typed is still here.</p>
            <milia-login known=${this.person} .done=${this.again}></milia-login>
          </dialog>`
        : nothing}
      ${this.changing
        ? html`<dialog aria-labelledby="change" @close=${() => (this.changing = false)}>
            <h2 id="change">Change your password</h2>
            <milia-password .done=${() => (this.changing = false)}></milia-password>
          </dialog>`
        : nothing}`
  }

  /** Somebody else sees a console of their own, not what the one before had typed. */
  private again = (session: Session): void => {
    if (session.user.name === this.person) this.renewed()
    else {
      sessionStorage.clear()
      location.assign(BASE)
    }
  }

  private undo = (): void => {
    const { undo } = this.note!
    this.note = undefined
    undo!()
  }

  private leave = async (): Promise<void> => {
    await this.attempt('leave', () => call('post', '/logout'))
    if (this.problem) return say(this.problem.message)
    sessionStorage.clear()
    go(BASE, true)
    location.reload()
  }
}

function brand(): TemplateResult {
  return html`<img src="/staff/icon.svg" alt="" width="28" height="28">`
}
