import { defineConfig } from 'vite'

// Served by the bot at /staff, under a policy that allows files of its own only: nothing is inlined.
export default defineConfig({
  base: '/staff/',
  build: {
    target: 'es2022',
    cssTarget: ['chrome125', 'safari18', 'firefox128'],
    reportCompressedSize: false,
    modulePreload: false,
    assetsInlineLimit: 0,
    // The licences of what is built in go with it.
    license: { fileName: 'licences.md' },
  },
})
