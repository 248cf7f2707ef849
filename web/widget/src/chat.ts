/** The element `<milia-chat>`: what keys, fingers and the window do with a conversation. What is seen is in view.ts. */
import type { TemplateResult } from 'lit-html'
import { Problem } from './api'
import { Conversation, type Turn } from './conversation'
import { Rendered } from './element'
import { type Keep, Memory } from './memory'
import { clearTimeout, parse, setTimeout } from './natives'
import css from './styles.css?inline'
import { fill, texts, type Texts } from './texts'
import { transcript } from './transcript'
import { view } from './view'

/** Where the panel takes the whole window: as a modal dialog, so that nothing under it can be reached. */
const SMALL = '(max-width: 32em), (max-height: 30em)'
/** A reply that comes sooner needs no sign that it is being written, ms. */
const SLOW = 600
const NOTE_STAYS = 8000
const SILENCE = 400
/** Time for the first paint, ms. */
const FIRST = 60

export class MiliaChat extends Rendered {
  talk!: Conversation
  texts: Texts = texts
  isOpen = false
  menuOpen = false
  /** What the visitor is asked to confirm. */
  ask?: 'erase' | 'startOver'
  /** Said once and taken away again. */
  note = ''
  /** Why what is typed cannot be sent. */
  error = ''
  slow = false
  unread = false
  /** The conversation of before is on the screen: from here on, what comes is new. */
  restored = false

  #memory!: Memory
  #clock = 0
  #noteClock = 0
  #atEnd = true
  #top = 0
  #seen = ''
  #small = matchMedia(SMALL)

  constructor() {
    super(css)
  }

  get inline(): boolean {
    return this.getAttribute('mode') === 'inline'
  }

  get name(): string {
    return this.getAttribute('heading') || this.texts.name
  }

  connectedCallback(): void {
    if (this.talk) return
    this.lang ||= 'en'
    this.dir ||= /^(ar|fa|he|ur)\b/.test(this.lang) ? 'rtl' : 'ltr'
    const translation = this.getAttribute('texts')
    if (translation) this.texts = { ...texts, ...parse(document.querySelector(translation)!.textContent!) }
    const accent = this.getAttribute('accent')
    if (accent) this.style.setProperty('--milia-accent', accent)
    const server = (this.getAttribute('server') || location.origin).replace(/\/+$/, '')
    this.#memory = new Memory(server, (this.getAttribute('keep') as Keep) || 'site', () => this.talk.otherTab())
    this.talk = new Conversation(server, this.#memory, () => this.#follow(), (text, why) => this.#giveBack(text, why))
    this.draw()
    setTimeout(() => this.#settle(), FIRST)
  }

  /** What can wait until the page is painted and can be typed into: listening, and going on where this tab was. */
  #settle(): void {
    const { open, draft } = this.#memory.ofTab
    this.#listen()
    this.#box.value ||= draft ?? ''
    if (!open || this.inline || this.isOpen) return
    this.isOpen = true
    this.changed()
    this.#place()
    this.talk.start()
  }

  get #box(): HTMLTextAreaElement {
    return this.$('textarea')
  }

  #listen(): void {
    // The page's own shortcuts are not for what is typed here.
    for (const type of ['keydown', 'keypress', 'keyup']) this.addEventListener(type, (event) => event.stopPropagation())
    this.#small.addEventListener('change', () => this.isOpen && this.#place())
    visualViewport?.addEventListener('resize', () => this.#fit())
    new ResizeObserver(() => this.restored && this.#atEnd && this.#toEnd()).observe(this.$('.log'))
    if (!this.inline) return
    // A conversation is opened for those who see the chat, not for each visit of the page.
    new IntersectionObserver((entries, observer) => {
      if (!entries.some((entry) => entry.isIntersecting)) return
      observer.disconnect()
      this.talk.start()
    }).observe(this)
  }

  protected view(): TemplateResult {
    return view(this)
  }

  // ---------------------------------------------------------------------------------------------- opening and closing
  /** Open the panel. */
  async open(): Promise<void> {
    if (this.inline || this.isOpen) return
    this.isOpen = true
    this.unread = false
    this.#memory.setTab({ open: true })
    this.talk.start()
    await this.changed()
    this.#place()
    this.#toEnd()
    // On a touch screen the keyboard would hide the notice that comes first.
    this.$(matchMedia('(hover: hover)').matches ? 'textarea' : '.name').focus()
  }

  /** Close the panel; the conversation stays. */
  async close(): Promise<void> {
    if (!this.isOpen) return
    this.isOpen = this.menuOpen = false
    this.#memory.setTab({ open: false })
    this.#take()
    await this.changed()
    this.$('.launcher').focus()
  }

  /** Put the panel above the page: over all of it where the window is small, else beside what goes on. */
  #place(): void {
    const panel = this.$<HTMLDialogElement>('.panel')
    const focused = this.root.activeElement as HTMLElement | null
    this.#take()
    panel.classList.toggle('full', this.#small.matches)
    if (this.#small.matches) {
      panel.popover = null
      panel.showModal()
    } else {
      panel.popover = 'manual'
      panel.showPopover()
    }
    focused?.focus()
    this.#fit()
  }

  #take(): void {
    const panel = this.$<HTMLDialogElement>('.panel')
    if (panel.open) panel.close()
    else if (panel.popover) panel.hidePopover()
  }

  /** Where the keyboard of a touch screen covers the page, keep the panel above it. */
  #fit(): void {
    const { height, scale } = visualViewport!
    if (scale === 1) this.$('.panel').style.setProperty('--_height', `${height}px`)
  }

  key(event: KeyboardEvent): void {
    if (event.key !== 'Escape' || event.isComposing || this.ask) return
    event.preventDefault()
    if (this.menuOpen) this.toggleMenu(false, true)
    else this.close()
  }

  // ------------------------------------------------------------------------------------------------------- the messages
  /** The conversation changed. */
  #follow(): void {
    if (!this.talk.busy) {
      clearTimeout(this.#clock)
      this.#clock = 0
      this.slow = false
    } else if (!this.#clock) {
      this.#clock = setTimeout(() => {
        this.slow = true
        this.changed()
      }, SLOW)
    }
    this.changed()
  }

  submit(event: Event): void {
    event.preventDefault()
    const box = this.#box
    const text = box.value.trim()
    const limit = this.talk.introduction?.limits.text ?? Infinity
    const over = [...text].length - limit
    this.error = over > 0 ? fill(this.texts.tooLong, { over, limit }) : ''
    if (text && !this.error) {
      this.#keepDraft('')
      this.#send(text)
    }
    this.changed()
    box.focus()
  }

  #send(text: string, payload?: string): void {
    this.note = ''
    this.#atEnd = true
    this.talk.send(text, payload)
  }

  /** A quick reply takes itself away, so the focus goes to what it said: the next Tab leads to the answer. */
  async press(text: string, payload?: string): Promise<void> {
    this.#send(text, payload)
    await this.changed()
    this.#last()?.focus({ preventScroll: true })
  }

  /** What the server does not take goes back to where it was typed. */
  #giveBack(text: string, why: string): void {
    if (text) this.#keepDraft([text, this.#box.value].filter(Boolean).join('\n'))
    this.error = why || this.texts.failed
  }

  type(event: KeyboardEvent): void {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) this.submit(event)
  }

  input(): void {
    this.#keepDraft()
    this.error = ''
    this.changed()
  }

  #keepDraft(draft = this.#box.value): void {
    if (this.#box.value !== draft) this.#box.value = draft
    this.#memory.setTab({ draft })
  }

  // ------------------------------------------------------------------------------------------------------ what is in view
  protected drawn(): void {
    const { turns, buttons, phase } = this.talk
    if (phase === 'closed') return // nothing has been said: no need to measure anything
    const last = turns.at(-1)
    const replied = turns.filter((turn) => !turn.waiting).length
    const now = `${phase} ${last?.id} ${replied} ${buttons.length} ${this.slow}`
    if (now !== this.#seen) {
      this.#seen = now
      if (!this.isOpen && !this.inline && this.restored && last?.replies.length) {
        this.unread = true
        this.changed()
      }
      if (this.#atEnd) this.#toEnd()
    }
    if (phase === 'open' && !this.restored) {
      this.restored = true
      // What was said before is not read out again when it comes back after a reload: only then may the log speak.
      setTimeout(() => this.changed(), SILENCE)
    }
  }

  #last(): HTMLElement | undefined {
    return [...this.root.querySelectorAll<HTMLElement>('.me')].at(-1)
  }

  /** How far down the log is wanted: at its end; but of a long answer the beginning. */
  get #goal(): number {
    const log = this.$('.log')
    const end = log.scrollHeight - log.clientHeight
    const answer = this.#last()?.nextElementSibling as HTMLElement | null
    return answer && !this.talk.busy ? Math.min(end, answer.offsetTop - 12) : end
  }

  #toEnd(): void {
    this.$('.log').scrollTo({ top: this.#goal, behavior: this.restored ? 'auto' : 'instant' })
  }

  /** Whoever scrolls back to read is not taken away from there by what comes. */
  scrolled(): void {
    const { scrollTop } = this.$('.log')
    if (scrollTop >= this.#goal - 40) this.#atEnd = true
    else if (scrollTop < this.#top) this.#atEnd = false
    this.#top = scrollTop
  }

  // ----------------------------------------------------------------------------------------------------------- the menu
  toggleMenu(open = !this.menuOpen, focus = false): void {
    this.menuOpen = open
    this.changed()
    if (focus) this.$('.more').focus()
  }

  get transcript(): string {
    return transcript(this.talk.turns, this.texts, this.name, this.lang)
  }

  say(note: string): void {
    this.note = note
    clearTimeout(this.#noteClock)
    this.#noteClock = setTimeout(() => {
      this.note = ''
      this.changed()
    }, NOTE_STAYS)
    this.changed()
  }

  async copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.transcript)
      this.say(this.texts.copied)
    } catch {
      this.say(this.texts.notCopied)
    }
  }

  async confirm(ask: 'erase' | 'startOver'): Promise<void> {
    this.ask = ask
    await this.changed()
    this.$<HTMLDialogElement>('.ask').showModal()
  }

  async answer(yes: boolean): Promise<void> {
    const { ask, talk } = this
    this.$<HTMLDialogElement>('.ask').close()
    this.ask = undefined
    this.changed()
    if (!yes) return
    await this.#attempt(async () => {
      if (ask === 'erase') {
        await talk.erase()
        this.#keepDraft('')
      } else {
        await talk.startOver()
        this.say(this.texts.restarted)
      }
      await this.changed()
      this.$(ask === 'erase' ? '.end .title' : 'textarea').focus()
    })
  }

  rate(turn: Turn, helpful: boolean): Promise<void> {
    return this.#attempt(async () => {
      await this.talk.rate(turn, helpful)
      this.say(this.texts.thanks)
    })
  }

  async renew(): Promise<void> {
    this.talk.renew()
    await this.changed()
    this.#box.focus()
  }

  /** Do what the server may refuse, and say so. */
  async #attempt(action: () => Promise<void>): Promise<void> {
    try {
      await action()
    } catch (error) {
      this.say((error instanceof Problem && error.detail) || this.texts.failed)
    }
  }
}
