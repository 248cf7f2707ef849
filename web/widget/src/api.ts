/** The HTTP of docs/openapi/web.yml: requests, and what can go wrong with them. */
import { clearTimeout, fetch, parse, setTimeout, stringify } from './natives'

export interface Button {
  title: string
  payload: string
}

export interface Source {
  title: string
  publisher: string
  reviewer?: string
  updated?: string
  url?: string
  note?: string
  references?: string[]
}

export type Level = 'provider_routine' | 'provider_soon' | 'urgent_same_day' | 'emergency_now'

export interface Reply {
  id: string
  text: string
  paragraphs: string[]
  buttons: Button[]
  level: Level | null
  alert: boolean
  topics: { id: string; title: string }[]
  sources: Source[]
  check_question: boolean
}

export interface ServerTurn {
  id: string
  text: string
  time: string
  replies: Reply[]
  ended?: boolean
  session?: Session
}

export interface Session {
  token: string
  expires_at: string
}

export interface Introduction {
  greeting: { text: string; suggestions: { title: string; text: string }[] }
  notice: { text: string[]; retention_days: number; emergency: string }
  limits: { text: number }
}

export type Opened = Introduction & Session & { conversation: string }
export type History = Introduction & { conversation: string; messages: ServerTurn[]; earlier: boolean; session: Session }

export interface Receipt {
  conversation: string
  deleted_at: string
  turns?: number
  detail: string
}

/** Longer than the server takes for its slowest reply; then the same message is sent again. */
const PATIENCE = 15_000

/**
 * What the server said against a request; `status` 0: it was not reached, or gave no answer of its own.
 */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code = '',
    readonly detail = '',
    readonly wait = 0,
  ) {
    super(code)
  }

  /** The same request may succeed later. */
  get passing(): boolean {
    return !this.status || this.status === 429 || this.status >= 500
  }
}

/**
 * Send a request to the web channel.
 *
 * @param server the bot's address, without a slash at the end
 * @throws {Problem}
 */
export async function request<T>(server: string, method: string, path: string, token = '', body?: unknown): Promise<T> {
  const headers: Record<string, string> = {}
  if (token) headers.Authorization = `Bearer ${token}`
  if (body) headers['Content-Type'] = 'application/json'
  const stop = new AbortController()
  const clock = setTimeout(() => stop.abort(), PATIENCE)
  let status = 0
  let answer: any
  try {
    const response = await fetch(`${server}/webhooks/web/${path}`, {
      method,
      headers,
      body: body ? stringify(body) : undefined,
      credentials: 'omit',
      cache: 'no-store',
      referrerPolicy: 'no-referrer',
      signal: stop.signal,
    })
    const text = await response.text()
    status = response.status
    if (text) answer = parse(text)
    if (response.ok && (answer || status === 204)) return answer
  } catch {
    // A page of a proxy or of a network log-in instead of JSON counts as not reached.
    throw new Problem(status >= 500 ? status : 0)
  } finally {
    clearTimeout(clock)
  }
  // A proxy in between may answer with JSON of its own: only the server's has a code.
  throw new Problem(answer?.code || status >= 400 ? status : 0, answer?.code, answer?.code && answer.detail, answer?.retry_after)
}
