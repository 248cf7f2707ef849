/** The conversation that one tries: a tree of turns, kept while other views are looked at. */
import { call } from './api'
import type { Turn } from './types'

const KEY = 'milia-try'

export interface State {
  id?: string
  scene: string
  turns: Turn[]
  /** The last turn of the branch that is shown. */
  leaf?: string
  /** The turn in the X-ray. */
  selected?: string
  draft: string
  /** The turn after which the next message comes; null: the beginning; undefined: the leaf. */
  after?: string | null
}

const fresh = (scene = '', draft = ''): State => ({ scene, turns: [], draft })

let state = fresh()

export const current = () => state

/** Put back what was before. */
export function restore(before: State): void {
  state = before
  remember()
}

/** Begin anew; returns what was before, to undo it. */
export function clear(scene: string): State {
  const before = state
  state = fresh(scene, state.draft)
  remember()
  return before
}

/** Only the id outlives a reload: what was typed stays on the server, for an hour. */
function remember(): void {
  if (state.id) sessionStorage.setItem(KEY, state.id)
  else sessionStorage.removeItem(KEY)
}

/** After a reload, fetch the conversation that was tried. */
export async function reload(): Promise<void> {
  const id = sessionStorage.getItem(KEY)
  if (state.id || !id) return
  sessionStorage.removeItem(KEY)
  const { scene, turns } = await call('get', '/tries/{try}', { at: { try: id } })
  state = { ...fresh(scene ?? ''), id, turns, leaf: turns.at(-1)?.id, selected: turns.at(-1)?.id }
  remember()
}

/** Start the conversation on the server, with its scene. */
export async function start(): Promise<void> {
  if (state.id) return
  const { id, turns } = await call('post', '/tries', { body: state.scene ? { scene: state.scene } : {} })
  state = { ...state, id, turns, leaf: turns.at(-1)?.id, selected: turns.at(-1)?.id }
  remember()
}

/** Say something after the chosen turn; its turn becomes the leaf. */
export async function send(said: { text: string } | { payload: string }): Promise<Turn> {
  await start()
  const { leaf } = state
  const after = state.after === undefined ? leaf : state.after
  const place = after === undefined ? {} : { after }
  const turn = await call('post', '/tries/{try}/messages', { at: { try: state.id! }, body: { ...said, ...place } })
  state = { ...state, turns: [...state.turns, turn], leaf: turn.id, selected: turn.id, after: undefined }
  return turn
}

/** The turns from the beginning to `leaf`, those of the scene first. */
export function branch({ turns, leaf }: State = state): Turn[] {
  const by = new Map(turns.map((one) => [one.id, one]))
  const path: Turn[] = []
  for (let one = leaf ? by.get(leaf) : undefined; one && !path.includes(one); one = one.parent ? by.get(one.parent) : undefined) path.unshift(one)
  return [...turns.filter((one) => one.scene && !path.includes(one)), ...path]
}

/** The turns that were tried at the same point as this one, itself among them. */
export function siblings(turn: Turn): Turn[] {
  const scene = new Set(state.turns.filter((one) => one.scene).map(({ id }) => id))
  const point = (one: Turn) => (one.parent && !scene.has(one.parent) ? one.parent : null)
  return turn.scene ? [turn] : state.turns.filter((one) => !one.scene && point(one) === point(turn))
}

/** The latest leaf below a turn. */
export function below(turn: Turn): string {
  const next = state.turns.filter((one) => one.parent === turn.id).at(-1)
  return next ? below(next) : turn.id
}
