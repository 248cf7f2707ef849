import { defineConfig } from 'vite'

// One classic script that also works as a module: a site needs one tag and one request. The demo pages lie in public/.
export default defineConfig({
  build: {
    target: 'es2022',
    // Browsers since 2024: CSS is left as it is written.
    cssTarget: ['chrome125', 'safari18', 'firefox128'],
    reportCompressedSize: false,
    lib: { entry: 'src/main.ts', formats: ['iife'], name: 'MiliaChat', fileName: () => 'widget.js' },
    // A second tag does nothing: under Trusted Types, Lit's policy cannot be made twice.
    rolldownOptions: { output: { intro: `if (customElements.get('milia-chat')) return` } },
  },
})
