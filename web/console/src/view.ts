/** What all views share: they render into the page itself, and show what goes wrong. */
import { LitElement } from 'lit'
import { state } from 'lit/decorators.js'
import { call, Problem } from './api'
import type { Job } from './types'

/** How often a view looks how far something is. */
const AGAIN_MS = 1000
const ENDED: Job['state'][] = ['done', 'failed', 'cancelled']

export abstract class View extends LitElement {
  /** What went wrong last, in words. */
  @state() problem?: Problem
  /** Name of what is being done; '' when nothing is. */
  @state() busy = ''

  private clock = 0

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.stopLooking()
  }

  /** Look again in a while, unless the view is gone by then; what was planned before is dropped. */
  protected lookAgain(look: () => void): void {
    this.stopLooking()
    if (this.isConnected) this.clock = window.setTimeout(look, AGAIN_MS)
  }

  /** Drop what is planned. */
  protected stopLooking(): void {
    clearTimeout(this.clock)
  }

  /** Follow a run until it is over, or the view is gone; `seen` gets it as it stands each time. */
  protected async follow(id: string, seen: (job: Job) => void): Promise<Job> {
    for (;;) {
      await new Promise((done) => setTimeout(done, AGAIN_MS))
      const job = await call('get', '/jobs/{job}', { at: { job: id } })
      seen(job)
      if (!this.isConnected || ENDED.includes(job.state)) return job
    }
  }

  /** One style sheet for the whole console, and labels that reach across elements. */
  protected override createRenderRoot(): HTMLElement {
    return this
  }

  /** Do something with the server; what goes wrong is shown and `undefined` returned. */
  protected async attempt<T>(name: string, what: () => Promise<T>): Promise<T | undefined> {
    this.busy = name
    this.problem = undefined
    try {
      return await what()
    } catch (error) {
      if (error instanceof Problem) this.problem = error
      else if (!(error instanceof DOMException && error.name === 'AbortError')) throw error
      return undefined
    } finally {
      this.busy = ''
    }
  }

  /** Move the focus to the first that fits, once it is rendered. */
  protected async focusOn(selector: string): Promise<void> {
    await this.updateComplete
    this.querySelector<HTMLElement>(selector)?.focus()
  }
}

export interface Note {
  text: string
  /** Takes back what the note tells of. */
  undo?: () => void
}

/** Tell what was done, at the foot of the page and to screen readers. */
export function say(text: string, undo?: () => void): void {
  dispatchEvent(new CustomEvent<Note>('milia-say', { detail: { text, undo } }))
}

/** Hand the person a file. */
export function save(name: string, content: string, type = 'text/plain'): void {
  const anchor = document.createElement('a')
  anchor.href = URL.createObjectURL(new Blob([content], { type }))
  anchor.download = name
  anchor.click()
  setTimeout(() => URL.revokeObjectURL(anchor.href), 60_000)
}
