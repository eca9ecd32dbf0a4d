/**
 * Bundle the dashboard into dist/dashboard/, from which the gateway serves it.
 *
 * Everything it needs is in its two files, the charts' library included; no other server is asked.
 */

import { build } from 'esbuild'
import { copyFile, mkdir } from 'node:fs/promises'

const OUT = 'dist/dashboard'

export async function buildDashboard() {
  await mkdir(OUT, { recursive: true })
  await Promise.all([
    build({
      entryPoints: ['dashboard/main.js', 'dashboard/style.css'],
      outdir: OUT,
      entryNames: '[name]',
      bundle: true,
      minify: true,
      format: 'esm',
      target: ['es2022'],
      legalComments: 'eof',
      logLevel: 'warning'
    }),
    copyFile('dashboard/index.html', `${OUT}/index.html`),
    copyFile('demo/icon.svg', `${OUT}/icon.svg`)
  ])
}
