/** A message with what was found in it marked. */
import { html, nothing, type TemplateResult } from 'lit'
import type { Turn } from './types'
import * as names from './names'

interface Found {
  start: number
  end: number
  kind: 'present' | 'supposed' | 'ruled_out' | 'cue' | 'entity'
  /** What it is, for those who point at it. */
  is: string
}

const STATUS = { present: 'warning sign', supposed: 'only asked about', ruled_out: 'does not count' }
export const CUES: { [kind: string]: string } = {
  negated: 'says no',
  hypothetical: 'only supposes',
  general: 'speaks in general',
  past: 'is over',
  idiom: 'is a figure of speech',
}

function found(turn: Turn): Found[] {
  const { marks } = turn.signs
  return [
    ...turn.understood.entities.map((one) => ({ ...one, kind: 'entity' as const, is: `${names.words(one.entity)}: ${one.value}` })),
    ...marks.map((one) => ({ ...one, kind: one.status, is: `${one.title}: ${STATUS[one.status]}` })),
    ...marks.flatMap((one) => one.cues.map((cue) => ({ ...cue, kind: 'cue' as const, is: `This ${CUES[cue.kind] ?? cue.kind}` }))),
  ]
}

/** Render the message; where pieces overlap, each stretch carries all that holds for it. Offsets count code points. */
export function marked(turn: Turn): TemplateResult {
  const letters = Array.from(turn.user.text)
  const all = found(turn).filter(({ start, end }) => start >= 0 && end <= letters.length && start < end)
  const cuts = [...new Set([0, letters.length, ...all.flatMap(({ start, end }) => [start, end])])].sort((a, b) => a - b)
  const pieces = cuts.slice(1).map((end, index) => {
    const start = cuts[index]!
    const here = all.filter((one) => one.start <= start && one.end >= end)
    const text = letters.slice(start, end).join('')
    return here.length
      ? html`<mark class=${[...new Set(here.map(({ kind }) => kind))].join(' ')} title=${here.map(({ is }) => is).join('; ')}>${text}</mark>`
      : text
  })
  return html`<blockquote class="said" dir="auto">${pieces}</blockquote>${all.length ? legend(all) : nothing}`
}

const LEGEND: { [kind in Found['kind']]: string } = {
  present: 'warning sign',
  supposed: 'sign, only asked about',
  ruled_out: 'would be a sign, but does not count',
  cue: 'the words that rule it out',
  entity: 'a word the bot picked up',
}

function legend(all: Found[]): TemplateResult {
  const kinds = (Object.keys(LEGEND) as Found['kind'][]).filter((kind) => all.some((one) => one.kind === kind))
  return html`<p class="small legend">Marked: ${kinds.map((kind) => html`<span><mark class=${kind}>${LEGEND[kind]}</mark></span> `)}</p>`
}
