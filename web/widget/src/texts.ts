/**
 * All that the widget itself says. To translate it, a site gives its own values of these keys (docs/embedding.md);
 * `{...}` is filled in. What the bot says comes from the server.
 */
export const texts = {
  name: 'Milia assistant',
  role: 'A chatbot, not a doctor',
  launcher: 'Questions about milia?',
  newReply: 'new reply',
  close: 'Close the chat',
  log: 'Conversation',
  you: 'You',
  writing: 'The assistant is writing',

  noticeTitle: 'Before you start',
  notice: 'This is a chatbot. It is not a doctor, and it cannot say what your bumps are. A dermatology provider can.',
  kept: 'What you write is erased after {days} days of silence, or at once when you delete it in the menu above.',
  privacy: 'Privacy policy',
  suggestions: 'Suggestions',
  replies: 'Quick replies',

  label: 'Your message',
  placeholder: 'Type a question',
  send: 'Send',
  hint: 'In an emergency, call your emergency number.',
  tooLong: 'This is {over} characters too long. At most {limit} can be sent.',

  provider_soon: 'See a provider soon',
  urgent_same_day: 'Get care today',
  emergency_now: 'Emergency: get help now',
  sources: 'Source',
  publisher: 'Published by {publisher}',
  reviewer: 'Reviewed by {reviewer}',
  updated: 'Last updated {updated}',
  references: 'Its references',
  helpful: 'Was this helpful?',
  yes: 'Yes, helpful',
  no: 'No, not helpful',
  thanks: 'Thank you. That helps to make the answers better.',

  offline: 'You are offline. Nothing is lost: what you send goes out when the network is back.',
  lost: 'You were disconnected. Nothing is lost: trying again.',
  busy: 'The server is busy. Trying again.',
  tryNow: 'Try now',
  unsent: 'Not sent yet',
  blocked: 'The chat does not work on this page.',
  past: 'That conversation has ended. This is a new one.',
  earlier: 'Earlier messages are not shown.',
  failed: 'That did not work. Please try again.',

  menu: 'Menu',
  copy: 'Copy the conversation',
  print: 'Print',
  save: 'Save as a file',
  startOver: 'Start over',
  erase: 'Delete my conversation',
  copied: 'Copied.',
  notCopied: 'This browser does not allow copying. You can save the conversation instead.',
  saved: 'Saved to your downloads.',
  restarted: 'This is a new conversation.',

  cancel: 'Cancel',
  startOverTitle: 'Start over?',
  startOverText: 'This begins a new conversation. “Delete my conversation” still deletes the old one, too.',
  eraseTitle: 'Delete your conversation?',
  eraseText: 'All that you and the assistant wrote is erased from the server. There is no way back.',
  eraseYes: 'Delete it',
  erasedTitle: 'Your conversation was deleted',
  erased: 'Nothing of it is left.',
  erasedElsewhere: 'It was deleted in another tab or window.',
  erasedAt: 'Deleted {time}',
  reference: 'Reference {conversation}',
  renew: 'Start a new conversation',

  transcript: 'Conversation with the {name}',
  disclaimer: 'The assistant is a chatbot, not a doctor. For your own skin, ask a dermatology provider.',
  file: 'milia-conversation.txt',
}

export type Texts = typeof texts

/** Fill the `{...}` of a text. */
export function fill(text: string, values: object): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String((values as Record<string, unknown>)[name] ?? whole))
}
