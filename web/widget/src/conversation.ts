/**
 * One conversation as the visitor sees it: its turns, and whether the server is reached. Knows nothing of the page.
 *
 * Messages go out one after the other, each with an id of its own, and again with the same id until there is a reply:
 * the server runs a turn once. Nothing that was typed is dropped.
 */
import { type Button, type History, type Introduction, type Opened, Problem, type Receipt, type Reply, request, type ServerTurn } from './api'
import type { Memory } from './memory'
import { clearTimeout, newId, setTimeout } from './natives'

export interface Turn {
  id: string
  text: string
  payload?: string
  time: string
  replies: Reply[]
  /** No reply yet. */
  waiting: boolean
  helpful?: boolean
  /** Of a conversation that has ended; what follows is a new one. */
  past?: boolean
}

/** `ended`: deleted; nothing can be sent until a new one is begun. `blocked`: the server does not serve this site. */
export type Phase = 'closed' | 'opening' | 'open' | 'ended' | 'blocked'

/** Why a message waits: no network, no server, or the server's own words in `Conversation.problem`. */
export type Trouble = '' | 'offline' | 'lost' | 'busy'

const FIRST_WAIT = 1000
const LONGEST_WAIT = 20_000

export class Conversation {
  phase: Phase = 'closed'
  trouble: Trouble = ''
  problem = ''
  turns: Turn[] = []
  earlier = false
  introduction?: Introduction
  receipt?: Receipt | 'elsewhere'

  #working = false
  /** Changes when the conversation is another one: what was under way for the old one is dropped. */
  #era = 0
  #wake?: () => void

  readonly #server: string
  readonly #memory: Memory
  readonly #changed: () => void
  readonly #refused: (text: string, problem: string) => void

  /**
   * @param server the bot's address
   * @param memory what outlives the page
   * @param changed called after each change
   * @param refused called with what the server will not take, and why: a text goes back to where it was typed
   */
  constructor(
    server: string,
    memory: Memory,
    changed: () => void,
    refused: (text: string, problem: string) => void,
  ) {
    this.#server = server
    this.#memory = memory
    this.#changed = changed
    this.#refused = refused
    addEventListener('online', () => (this.#wake ? this.#wake() : this.#setTrouble('')))
    addEventListener('offline', () => this.#setTrouble('offline'))
    // A page that the browser had put away may have missed what other tabs did.
    addEventListener('pageshow', (event) => event.persisted && this.#refresh())
  }

  get busy(): boolean {
    return this.turns.some((turn) => turn.waiting)
  }

  /** The quick replies that can be pressed now. */
  get buttons(): Button[] {
    const last = this.turns.at(-1)
    if (this.phase !== 'open' || !last || last.past) return []
    return last.replies.flatMap((reply) => reply.buttons)
  }

  /** Open the conversation of before, or a new one. */
  start(): void {
    if (this.phase !== 'closed') return
    this.phase = 'opening'
    for (const [id, { text, payload }] of Object.entries(this.#memory.ofTab.unsent ?? {})) {
      if (!this.turns.some((turn) => turn.id === id)) this.turns.push(sending(id, text, payload))
    }
    this.#work()
  }

  send(text: string, payload?: string): void {
    this.turns.push(sending(newId(), text, payload))
    this.#keepUnsent()
    this.start()
    this.#work()
  }

  /** Try at once what waits. */
  retry(): void {
    if (this.#wake) this.#wake()
    else this.start()
  }

  /** Leave this conversation and begin a new one. @throws {Problem} */
  async startOver(): Promise<void> {
    const opened = await this.#call<Opened>('POST', 'conversations', '')
    this.#reset()
    this.#adopt(opened, true)
    this.#changed()
  }

  /** Have all that the server keeps of this visitor deleted. @throws {Problem} */
  async erase(): Promise<void> {
    let receipt: Receipt | undefined
    for (const token of this.#memory.tokens) {
      try {
        const one = await this.#call<Receipt>('DELETE', 'conversations', token)
        receipt = { ...one, turns: (one.turns ?? 0) + (receipt?.turns ?? 0) }
      } catch (error) {
        if (!(error instanceof Problem && error.status === 401)) throw error
      }
    }
    this.#memory.forget()
    this.#end(receipt ?? { conversation: '', deleted_at: new Date().toISOString(), detail: '' })
  }

  /** After the end: begin a new one. */
  renew(): void {
    this.#reset()
    this.phase = 'closed'
    this.start()
    this.#changed()
  }

  /** @throws {Problem} */
  async rate(turn: Turn, helpful: boolean): Promise<void> {
    const before = turn.helpful
    turn.helpful = helpful
    this.#changed()
    try {
      await this.#call('POST', 'feedback', this.#memory.token, { id: turn.id, helpful })
    } catch (error) {
      turn.helpful = before
      throw error
    } finally {
      this.#changed()
    }
  }

  /** Another tab changed something. */
  otherTab(): void {
    if (this.phase === 'ended' || this.phase === 'closed') return
    if (!this.#memory.token) {
      this.#end('elsewhere')
    } else if (this.#memory.conversation !== this.#conversation) {
      this.#reset()
      this.phase = 'closed'
      this.start()
    } else if (this.#memory.turn !== this.turns.at(-1)?.id) {
      this.#refresh()
    }
  }

  #conversation = ''

  #refresh(): void {
    if (this.phase !== 'open') return
    this.phase = 'opening'
    this.#work()
  }

  #reset(): void {
    this.#era++
    this.turns = []
    this.earlier = false
    this.receipt = undefined
    this.#setTrouble('')
    this.#keepUnsent()
    this.#wake?.()
  }

  #end(receipt?: Receipt | 'elsewhere'): void {
    this.#era++
    this.phase = 'ended'
    if (receipt) {
      this.turns = []
      this.receipt = receipt
    }
    this.#keepUnsent()
    this.#setTrouble('')
    this.#wake?.()
  }

  /** Open what has to be opened and send what has to be sent, one after the other. */
  async #work(): Promise<void> {
    this.#changed()
    if (this.#working) return
    this.#working = true
    for (let tries = 0; ; ) {
      const era = this.#era
      const turn = this.turns.find((one) => one.waiting)
      const opening = this.phase === 'opening'
      if (!opening && !(turn && this.phase === 'open')) break
      try {
        await (opening ? this.#open(era) : this.#deliver(turn!, era))
        tries = 0
        if (era === this.#era) this.#setTrouble('')
      } catch (error) {
        if (era !== this.#era) continue
        if (!(error instanceof Problem)) throw error
        if (error.passing) {
          await this.#wait(error, Math.min(FIRST_WAIT * 2 ** tries++, LONGEST_WAIT))
        } else {
          this.#refuse(error, opening ? undefined : turn)
        }
      }
      this.#changed()
    }
    this.#working = false
    this.#changed()
  }

  async #open(era: number): Promise<void> {
    if (this.#memory.token) {
      const history = await this.#call<History>('GET', 'messages', this.#memory.token)
      if (era === this.#era) this.#adopt(history)
    } else {
      const opened = await this.#call<Opened>('POST', 'conversations', '')
      if (era === this.#era) this.#adopt(opened, true)
    }
  }

  #adopt(answer: Opened | History, isNew = false): void {
    this.introduction = answer
    this.#conversation = answer.conversation
    if ('messages' in answer) {
      this.#memory.keepToken(answer.session.token)
      const known = new Map(this.turns.map((turn) => [turn.id, turn]))
      const stored = answer.messages.map((turn) => done(turn, known.get(turn.id)))
      const ids = new Set(stored.map((turn) => turn.id))
      this.turns = [...stored, ...this.turns.filter((turn) => turn.waiting && !ids.has(turn.id))]
      this.earlier = answer.earlier
      this.#keepUnsent()
    } else if (isNew) {
      this.#memory.keepConversation(answer.conversation, answer.token)
      for (const turn of this.turns) {
        if (!turn.waiting) turn.past = true
      }
    }
    this.phase = 'open'
  }

  async #deliver(turn: Turn, era: number): Promise<void> {
    const body = turn.payload ? { id: turn.id, payload: turn.payload } : { id: turn.id, text: turn.text }
    const answer = await this.#call<ServerTurn>('POST', 'messages', this.#memory.token, body)
    if (era !== this.#era) return
    Object.assign(turn, done(answer, turn))
    this.#keepUnsent()
    if (answer.ended) {
      this.#memory.dropToken(this.#memory.token)
      this.#end()
      return
    }
    if (answer.session) this.#memory.keepToken(answer.session.token)
    this.#memory.touch(turn.id)
  }

  /** What to do when the same request would fail again. */
  #refuse(error: Problem, turn?: Turn): void {
    this.problem = error.detail
    if (error.status === 401) {
      this.#memory.dropToken(this.#memory.token)
      this.phase = 'opening'
      // Its buttons went with the conversation: in the new one, a press is what its title says.
      for (const one of this.turns) if (one.waiting) one.payload = undefined
    } else if (error.status === 403) {
      this.phase = 'blocked'
    } else if (turn) {
      this.turns = this.turns.filter((one) => one !== turn)
      this.#keepUnsent()
      this.#refused(turn.payload ? '' : turn.text, error.detail)
      if (error.code === 'not-offered') this.phase = 'opening'
    } else {
      this.phase = 'closed'
      this.#setTrouble('busy')
    }
  }

  /** Wait until a time has passed, the network is back, or the visitor asks to try. */
  #wait(error: Problem, milliseconds: number): Promise<void> {
    this.problem = error.detail
    this.#setTrouble(error.detail ? 'busy' : navigator.onLine ? 'lost' : 'offline')
    return new Promise((resolve) => {
      const clock = setTimeout(() => this.#wake?.(), Math.max(milliseconds, error.wait * 1000))
      this.#wake = () => {
        clearTimeout(clock)
        this.#wake = undefined
        resolve()
      }
    })
  }

  #setTrouble(trouble: Trouble): void {
    if (this.trouble === trouble) return
    this.trouble = trouble
    this.#changed()
  }

  #keepUnsent(): void {
    const unsent = this.turns.filter((turn) => turn.waiting)
    this.#memory.setTab({ unsent: Object.fromEntries(unsent.map(({ id, text, payload }) => [id, { text, payload }])) })
  }

  #call<T>(method: string, path: string, token: string, body?: unknown): Promise<T> {
    return request<T>(this.#server, method, path, token, body)
  }
}

function sending(id: string, text: string, payload?: string): Turn {
  return { id, text, payload, time: new Date().toISOString(), replies: [], waiting: true }
}

function done({ id, text, time, replies }: ServerTurn, before?: Turn): Turn {
  return { id, text, time, replies, waiting: false, helpful: before?.helpful }
}
