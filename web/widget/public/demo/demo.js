// Buttons of the page that open the chat: any page can do this.
for (const button of document.querySelectorAll('[data-open-chat]')) {
  button.addEventListener('click', () => document.querySelector('milia-chat')?.open())
}
