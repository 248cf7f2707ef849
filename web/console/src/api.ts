/** The staff console's HTTP interface (docs/openapi/staff.yml), typed by the contract. */
import type { paths } from './contract'
import type { Fault, Session } from './types'

type Below<P> = P extends `/staff/api${infer Rest}` ? Rest : never
export type Path = Below<keyof paths>
type Verb = 'get' | 'post' | 'put' | 'patch' | 'delete'
type Operation<P extends Path, V extends Verb> = paths[`/staff/api${P}`][V]
type Json<R> = R extends { content: { 'application/json': infer T } } ? T : undefined
type Answer<O> = O extends { responses: infer R }
  ? R extends { 200: infer T } | { 201: infer T } | { 202: infer T }
    ? Json<T>
    : undefined
  : never
type Body<O> = O extends { requestBody: { content: { 'application/json': infer T } } } ? T : undefined
type Query<O> = O extends { parameters: { query?: infer T } } ? T : undefined

export interface Options<O> {
  /** Values for the `{names}` of the path. */
  at?: { [name: string]: string }
  query?: Query<O>
  body?: Body<O>
  signal?: AbortSignal
}

/** Longer than the slowest reply of the bot takes. */
const PATIENCE = 60_000
const HEADS = { cache: 'no-store', credentials: 'same-origin', referrerPolicy: 'no-referrer' } as const

/** What went wrong, in words for the person; `status` 0: the server was not reached. */
export class Problem extends Error {
  readonly code: string
  readonly faults: string[]

  constructor(
    readonly status: number,
    readonly fault: Partial<Fault> = {},
  ) {
    super(fault.detail || FALLBACK[status] || FALLBACK[status >= 500 ? 503 : 0])
    this.code = fault.code ?? ''
    this.faults = fault.faults ?? []
  }
}

const SLOW = 'The bot’s server has not answered for a minute: it is very busy, or stuck. Wait a little, then try again. What you typed is still here.'
const FALLBACK: { [status: number]: string } = {
  0: 'The bot’s server was not reached. Check that it runs and that you are online, then try again. What you typed is still here.',
  403: 'Your role does not allow this. Ask an admin if you need it.',
  404: 'This is not there any more.',
  409: 'Somebody else was first. Look at how it stands now, then decide again.',
  413: 'This is too large.',
  503: 'The server is busy or its database is away. Wait a moment, then try again. What you typed is still here.',
}

/** Who is logged in, and what happens when that ends. */
export const login = {
  session: undefined as Session | undefined,
  /** Shows the login and resolves once somebody is logged in; set by the shell. */
  renew: (): Promise<void> => Promise.reject(new Problem(401)),
}

const ROLES = ['viewer', 'editor', 'admin'] as const

/** Tell whether the one who is logged in may do what `role` may. The server decides; this only hides what it would refuse. */
export function may(role: (typeof ROLES)[number]): boolean {
  const own = login.session?.user.role
  return own !== undefined && ROLES.indexOf(own) >= ROLES.indexOf(role)
}

/**
 * Ask the server. An ended login is renewed and the same request sent again, so nothing typed is lost.
 *
 * @throws {Problem}
 */
export async function call<P extends Path, V extends Verb & keyof paths[`/staff/api${P}`]>(
  verb: V,
  path: P,
  options: Options<Operation<P, V>> = {},
): Promise<Answer<Operation<P, V>>> {
  const body = options.body === undefined ? undefined : JSON.stringify(options.body)
  const answer = await send(verb, address(path, options), body, 'application/json', options.signal)
  return (answer ? JSON.parse(answer) : undefined) as Answer<Operation<P, V>>
}

/** Ask for a text that is not JSON: a patch, a report. */
export function text(path: Path, at: { [name: string]: string }): Promise<string> {
  return send('get', address(path, { at }))
}

/** Send a file as it is. */
export async function upload(file: File, type: string, query: { [name: string]: string }): Promise<{ id: string }> {
  return JSON.parse(await send('post', address('/replays', { query }), file, type))
}

function address(path: Path, { at, query }: { at?: { [name: string]: string }; query?: object }): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(at?.[name] ?? ''))
  const asked = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {}))
    if (value !== undefined && value !== null && value !== '' && value !== false) asked.set(name, String(value))
  return `/staff/api${filled}${asked.size ? `?${asked}` : ''}`
}

async function send(verb: Verb, url: string, body?: BodyInit, type = '', signal?: AbortSignal, again = true): Promise<string> {
  try {
    return await once(verb, url, body, type, signal)
  } catch (problem) {
    if (!(problem instanceof Problem) || !again) throw problem
    if (problem.status === 401 && problem.code !== 'login-failed') await login.renew()
    else if (problem.code === 'csrf') login.session = JSON.parse(await once('get', '/staff/api/session'))
    else throw problem
    return send(verb, url, body, type, signal, problem.status === 401)
  }
}

async function once(verb: Verb, url: string, body?: BodyInit, type = '', signal?: AbortSignal): Promise<string> {
  const headers: { [name: string]: string } = {}
  if (body !== undefined) headers['Content-Type'] = type
  if (verb !== 'get' && login.session) headers['X-CSRF-Token'] = login.session.csrf
  const patience = AbortSignal.timeout(PATIENCE)
  let response: Response
  let answer: string
  try {
    response = await fetch(url, { ...HEADS, method: verb.toUpperCase(), headers, body, signal: signal ? AbortSignal.any([signal, patience]) : patience })
    answer = await response.text()
  } catch (error) {
    if (signal?.aborted) throw error
    throw patience.aborted ? new Problem(0, { detail: SLOW }) : new Problem(0)
  }
  const csrf = response.headers.get('X-CSRF-Token')
  if (csrf && login.session) login.session.csrf = csrf
  if (response.ok) return answer
  throw new Problem(response.status, fault(answer))
}

/** A proxy in between answers with a page of its own: then the words are ours. */
function fault(answer: string): Partial<Fault> {
  try {
    const read: unknown = JSON.parse(answer)
    return read && typeof read === 'object' ? read : {}
  } catch {
    return {}
  }
}
