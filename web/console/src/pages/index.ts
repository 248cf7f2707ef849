/** Which view an address shows. */
import { html, type TemplateResult } from 'lit'
import { empty } from '../parts'
import { link, type Place } from '../router'
import './audit'
import './content'
import './conversation'
import './conversations'
import './review'
import './reviews'
import './run'
import './staff'
import './statistics'
import './test-file'
import './test-new'
import './tests'
import './topic'
import './training'
import './try'
import './unanswered'

export const VIEWS = [
  { path: 'try', title: 'Try it', role: 'viewer' },
  { path: 'conversations', title: 'Conversations', role: 'viewer' },
  { path: 'statistics', title: 'Statistics', role: 'viewer' },
  { path: 'reviews', title: 'Review queue', role: 'viewer' },
  { path: 'tests', title: 'Tests', role: 'viewer' },
  { path: 'training', title: 'Training', role: 'viewer' },
  { path: 'content', title: 'Content', role: 'viewer' },
  { path: 'people', title: 'Staff', role: 'admin' },
  { path: 'audit', title: 'Audit', role: 'admin' },
] as const

export function find({ parts }: Place): { title: string } {
  return VIEWS.find((one) => one.path === parts[0]) ?? { title: 'Not found' }
}

/** Return the view of an address. */
export function shown({ parts, query }: Place): TemplateResult {
  const [view, one, two] = parts
  switch (view) {
    case 'try':
      return html`<milia-try></milia-try>`
    case 'conversations':
      return one
        ? html`<milia-conversation .conversation=${one} .query=${query}></milia-conversation>`
        : html`<milia-conversations .query=${query}></milia-conversations>`
    case 'statistics':
      return html`<milia-statistics .query=${query}></milia-statistics>`
    case 'reviews':
      return one ? html`<milia-review .review=${one}></milia-review>` : html`<milia-reviews .query=${query}></milia-reviews>`
    case 'tests':
      if (one === 'new') return html`<milia-test-new .query=${query}></milia-test-new>`
      if (one === 'file') return html`<milia-test-file .file=${query.get('name') ?? ''}></milia-test-file>`
      if (one === 'runs' && two) return html`<milia-run .job=${two}></milia-run>`
      return html`<milia-tests></milia-tests>`
    case 'training':
      return html`<milia-training></milia-training>`
    case 'content':
      if (one === 'unanswered') return html`<milia-unanswered .query=${query}></milia-unanswered>`
      return one ? html`<milia-topic .topic=${one}></milia-topic>` : html`<milia-content></milia-content>`
    case 'people':
      return html`<milia-people></milia-people>`
    case 'audit':
      return html`<milia-audit .query=${query}></milia-audit>`
    default:
      return html`<h1>Not found</h1>${empty('There is no such view.', 'The address may be old, or mistyped.', html`<a href=${link(['try'])}>Go to “Try it”</a>`)}`
  }
}
