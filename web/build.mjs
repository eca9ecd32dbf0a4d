/**
 * Bundle the client, the demo page and the dashboard into dist/, and hold the client to its size.
 *
 * The client becomes one file that any page can import; the demo imports that very file, so what is
 * shown is what is shipped. The budget is the one of docs/decisions/0005-browser-client.md, in
 * bytes after gzip; exceeding it fails the build.
 */

import { build } from 'esbuild'
import { copyFile, mkdir, readFile, rm } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { buildDashboard } from './dashboard/build.mjs'

const WHOLE_BUDGET_BYTES = 11_000
const OURS_BUDGET_BYTES = 9_500

const CLIENT = {
  entryPoints: ['client/index.js'],
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['es2022'],
  legalComments: 'none',
  logLevel: 'warning'
}

for (const folder of ['dist', 'client/dist']) {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
}
await Promise.all([
  build({ ...CLIENT, outfile: 'dist/push-client.js', sourcemap: true }),
  build({ ...CLIENT, outfile: 'client/dist/index.js', sourcemap: true }),
  build({
    ...CLIENT,
    entryPoints: ['demo/main.js', 'demo/style.css'],
    outdir: 'dist',
    entryNames: '[name]',
    sourcemap: true,
    plugins: [useBuiltClient()]
  }),
  copyFile('demo/index.html', 'dist/index.html'),
  copyFile('demo/icon.svg', 'dist/icon.svg'),
  buildDashboard()
])
await checkBudget()

/** Make the demo import the client as any page would: from its bundle. */
function useBuiltClient() {
  return {
    name: 'built-client',
    setup(it) {
      it.onResolve({ filter: /^\.\.\/client\/index\.js$/ }, () => ({
        path: './push-client.js',
        external: true
      }))
    }
  }
}

async function checkBudget() {
  const withoutLibrary = await build({ ...CLIENT, write: false, external: ['./codec.js', './sigv4.js'] })
  const sizes = [
    ['client in all', gzipped(await readFile('dist/push-client.js')), WHOLE_BUDGET_BYTES],
    [
      'client without codec and signer',
      gzipped(withoutLibrary.outputFiles[0].contents),
      OURS_BUDGET_BYTES
    ]
  ]
  for (const [what, bytes, budget] of sizes)
    console.log(`${what}: ${bytes} of ${budget} bytes gzipped`)
  if (sizes.some(([, bytes, budget]) => bytes > budget)) {
    console.error('over the byte budget of docs/decisions/0005-browser-client.md')
    process.exitCode = 1
  }
}

/** @param {Uint8Array} bytes */
function gzipped(bytes) {
  return gzipSync(bytes, { level: 9 }).length
}
