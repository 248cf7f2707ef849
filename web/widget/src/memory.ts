/**
 * What outlives a page: the conversation's token, shared by the tabs of a site, and what belongs to one tab (an unsent
 * text, messages without a reply, whether the panel is open). No message that has its reply is kept in the browser.
 */
import { ofTab, parse, shared, stringify } from './natives'

/** Which store holds the token: for all tabs until it expires, for this tab, or for this page only. */
export type Keep = 'site' | 'tab' | 'page'

interface Shared {
  /** The conversation's public id: its token changes while it goes on. */
  conversation?: string
  token?: string
  /** Tokens of conversations that were started over, each on a line: deleting deletes those too. */
  old?: string
  /** Changes with each turn, so that other tabs notice. */
  turn?: string
}

/** By id, as objects: some old libraries break the JSON of lists. */
export type Unsent = Record<string, { text: string; payload?: string }>

interface OfTab {
  draft?: string
  open?: boolean
  unsent?: Unsent
}

const MOST_OLD = 9

export class Memory {
  #cached?: Shared
  #cachedTab?: OfTab
  readonly #key: string
  readonly #store?: Storage

  readonly #keep: Keep

  /**
   * @param server the bot's address; conversations with different bots are kept apart
   * @param keep where the token is kept
   * @param changed called when another tab changed the conversation
   */
  constructor(
    server: string,
    keep: Keep,
    changed: () => void,
  ) {
    this.#keep = keep
    this.#key = `milia ${server}`
    this.#store = keep === 'site' ? shared : keep === 'tab' ? ofTab : undefined
    addEventListener('storage', (event) => {
      if (event.key !== this.#key && event.key !== null) return
      this.#cached = undefined
      changed()
    })
  }

  /** Read when it is needed first: a store may be slow to open. */
  get #shared(): Shared {
    return (this.#cached ??= read(this.#store, this.#key))
  }

  get #tab(): OfTab {
    return (this.#cachedTab ??= read(this.#keep === 'page' ? undefined : ofTab, `${this.#key} tab`))
  }

  get token(): string {
    return this.#shared.token ?? ''
  }

  get conversation(): string {
    return this.#shared.conversation ?? ''
  }

  get turn(): string {
    return this.#shared.turn ?? ''
  }

  /** All tokens of this visitor, the present one first. */
  get tokens(): string[] {
    return [this.token, ...(this.#shared.old ?? '').split('\n')].filter(Boolean)
  }

  /** Keep a new conversation; the one before it can still be deleted. */
  keepConversation(conversation: string, token: string): void {
    this.#write({ conversation, token, old: this.tokens.slice(0, MOST_OLD).join('\n') })
  }

  /** Keep a newer token of the same conversation. */
  keepToken(token: string): void {
    this.#write({ ...this.#shared, token })
  }

  /** Forget a token that opens nothing any more. */
  dropToken(token: string): void {
    if (this.token === token) this.#write({ old: this.#shared.old })
  }

  forget(): void {
    this.#write({})
    this.setTab({ draft: undefined, unsent: undefined })
  }

  touch(turn: string): void {
    this.#write({ ...this.#shared, turn })
  }

  get ofTab(): Readonly<OfTab> {
    return this.#tab
  }

  setTab(change: OfTab): void {
    this.#cachedTab = { ...this.#tab, ...change }
    if (this.#keep !== 'page') write(ofTab, `${this.#key} tab`, this.#tab)
  }

  #write(value: Shared): void {
    this.#cached = value
    write(this.#store, this.#key, value)
  }
}

function read(store: Storage | undefined, key: string): {} {
  try {
    return parse(store!.getItem(key)!) ?? {}
  } catch {
    return {}
  }
}

function write(store: Storage | undefined, key: string, value: {}): void {
  try {
    store!.setItem(key, stringify(value))
  } catch {
    // Full or blocked: the conversation lives as long as the page.
  }
}
