import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript'
import { importX } from 'eslint-plugin-import-x'
import neostandard from 'neostandard'
import tseslint from 'typescript-eslint'

/**
 * The layout as a table: what each part of `src/` may import from the rest of `src/`, types included.
 * A part always may import itself; what is not named here may not be imported. Parts without a row
 * (`main.ts`, `cli.ts`, `supervisor.ts`, `index.ts`: the composition roots) may import every front part.
 */
const mayImport = {
  // Thread-neutral: no timers, no I/O, no module state.
  'errors.ts': [],
  api: ['errors.ts'],
  ring: ['errors.ts'],
  frames: ['api', 'errors.ts', 'ring'],
  'log.ts': ['api', 'errors.ts'],
  // Front thread.
  'gateway.ts': ['api', 'errors.ts', 'reload', 'request-run.ts', 'request-record.ts', 'single-flight'],
  models: ['api', 'errors.ts', 'pool', 'reload'],
  admin: ['api', 'config', 'errors.ts', 'pool', 'reload', 'router', 'transport'],
  reload: ['api', 'config', 'errors.ts', 'pool'],
  'single-flight': ['gateway-context.ts', 'router', 'reload', 'api', 'errors.ts', 'request-run.ts', 'request-record.ts'],
  'gateway-context.ts': ['router', 'hedged-attempt.ts'],
  'request-run.ts': ['gateway-context.ts', 'reload', 'plugins', 'router', 'mcp', 'pool', 'api', 'errors.ts', 'hedged-attempt.ts', 'request-record.ts', 'stream-recovery.ts', 'target-attempt.ts'],
  'stream-recovery.ts': ['router', 'api', 'errors.ts'],
  'hedged-attempt.ts': ['router', 'pool', 'api', 'errors.ts', 'request-record.ts', 'target-attempt.ts'],
  'target-attempt.ts': ['router', 'pool', 'prices', 'api', 'errors.ts'],
  'request-record.ts': ['router', 'api', 'errors.ts'],
  transport: ['api', 'errors.ts', 'metrics', 'log.ts'],
  router: ['api', 'errors.ts'],
  plugins: ['api', 'errors.ts', 'log.ts'],
  mcp: ['api', 'errors.ts', 'log.ts'],
  pool: ['frames', 'ring', 'api', 'errors.ts', 'log.ts'],
  config: ['api', 'errors.ts'],
  metrics: ['api', 'errors.ts'],
  prices: ['api'],
  // Worker threads.
  attempts: ['frames', 'ring', 'providers', 'translation', 'upstream', 'api', 'errors.ts', 'log.ts'],
  providers: ['api', 'errors.ts'],
  dialects: ['api', 'errors.ts'],
  translation: ['providers', 'dialects', 'fetch', 'api', 'errors.ts'],
  fetch: ['upstream', 'api', 'errors.ts'],
  upstream: ['api', 'errors.ts'],
  // A process of its own.
  'mock-upstream': ['api', 'errors.ts']
}

/** What the composition roots must leave alone: it runs on worker threads or, the mock upstream, in a process that `cli.ts` starts. */
const notFront = {
  'main.ts': ['attempts', 'dialects', 'fetch', 'providers', 'translation', 'upstream', 'mock-upstream'],
  'cli.ts': ['attempts', 'dialects', 'fetch', 'providers', 'translation', 'upstream'],
  'supervisor.ts': ['attempts', 'dialects', 'fetch', 'providers', 'translation', 'upstream', 'mock-upstream'],
  'index.ts': ['attempts', 'dialects', 'fetch', 'providers', 'translation', 'upstream', 'mock-upstream']
}

/** Third-party types stop at one place: package -> the only parts of `src/` that may import it. */
const packageHomes = {
  'hyper-express': ['transport', 'mock-upstream'],
  'uWebSockets.js': ['transport', 'mock-upstream'],
  undici: ['upstream', 'fetch'],
  socks: ['upstream'],
  '@pydantic/genai-prices': ['prices'],
  piscina: ['pool'],
  'prom-client': ['metrics'],
  pino: ['log.ts'],
  ajv: ['config'],
  '@modelcontextprotocol/sdk': ['mcp'],
  '@smithy/eventstream-codec': ['api', 'providers'],
  aws4fetch: ['providers']
}

const layoutZones = [
  ...Object.entries(mayImport).map(([part, parts]) => ({
    target: `./src/${part}`,
    from: './src',
    except: [part, ...parts].map((name) => `./${name}`),
    message: `The layout lets src/${part} import only: ${parts.join(', ') || 'nothing'} (see mayImport in eslint.config.js).`
  })),
  ...Object.entries(notFront).flatMap(([root, parts]) => parts.map((part) => ({
    target: `./src/${root}`,
    from: `./src/${part}`,
    message: `src/${part} runs on another thread or in another process.`
  }))),
  {
    target: './src',
    from: './workers',
    message: 'src/ never imports from workers/; src/pool/worker-url.ts alone knows where the entries are.'
  }
]

/** One config per part, because a later `no-restricted-imports` replaces an earlier one. */
const packageConfigs = [...new Set([...Object.keys(mayImport), ...Object.keys(notFront)])].map((part) => ({
  name: `bifrost/packages-of-src/${part}`,
  files: [part.endsWith('.ts') ? `src/${part}` : `src/${part}/**/*.ts`],
  rules: { 'no-restricted-imports': ['error', restrictedImports(part)] }
}))

function restrictedImports (part) {
  const patterns = Object.entries(packageHomes)
    .filter(([, homes]) => !homes.includes(part))
    .map(([name, homes]) => ({
      regex: `^${name.replaceAll('.', '\\.')}(/|$)`,
      message: `Only ${homes.map((home) => `src/${home}`).join(' and ')} may import ${name}.`
    }))
  const message = 'The environment is read in src/config/ only.'
  const names = ['env']
  const paths = part === 'config'
    ? []
    : [{ name: 'node:process', importNames: names, message }, { name: 'process', importNames: names, message }]
  return { patterns, paths }
}

export default [
  { ignores: ['dist/', '.cache/', 'node_modules/', 'coverage/', 'bench/peers/', 'bench/results/', 'src/config/config-types.ts'] },
  ...neostandard({ ts: true }),
  {
    name: 'bifrost/all',
    plugins: { 'import-x': importX },
    settings: {
      'import-x/extensions': ['.ts', '.js', '.mjs'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/resolver-next': [createTypeScriptImportResolver()]
    },
    rules: {
      // This rule passes over cycles made of `import type`; test/architecture/import-graph.test.ts fails on those too.
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }]
    }
  },
  {
    name: 'bifrost/typed',
    files: ['**/*.ts'],
    plugins: { '@typescript-eslint': tseslint.plugin },
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname }
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      // The runner awaits what `test` and its kin return.
      '@typescript-eslint/no-floating-promises': ['error', {
        allowForKnownSafeCalls: [
          { from: 'package', package: 'node:test', name: ['test', 'it', 'describe', 'suite', 'before', 'after', 'beforeEach', 'afterEach'] }
        ]
      }],
      '@typescript-eslint/no-misused-promises': 'error',
      // `void promise` says that nobody waits for it, as `no-floating-promises` asks for.
      'no-void': ['error', { allowAsStatement: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }]
    }
  },
  {
    name: 'bifrost/layout',
    files: ['src/**/*.ts'],
    rules: {
      'import-x/no-restricted-paths': ['error', { basePath: import.meta.dirname, zones: layoutZones }]
    }
  },
  {
    name: 'bifrost/worker-entries',
    files: ['workers/**/*.ts'],
    rules: {
      // An entry wires and decides nothing; what it reaches is kept off the front's folders by the zones of its parts.
      'max-lines': ['error', { max: 80 }],
      'import-x/no-restricted-paths': ['error', {
        basePath: import.meta.dirname,
        zones: [{ target: './workers', from: './src', except: ['./attempts', './api', './errors.ts', './log.ts'], message: 'A worker entry starts src/attempts and nothing else.' }]
      }]
    }
  },
  {
    name: 'bifrost/one-page',
    files: ['src/gateway.ts', 'src/request-run.ts'],
    rules: { 'max-lines': ['error', { max: 199 }] }
  },
  ...packageConfigs,
  {
    name: 'bifrost/environment',
    files: ['src/**/*.ts'],
    ignores: ['src/config/**'],
    rules: {
      'no-restricted-properties': ['error', {
        object: 'process', property: 'env', message: 'The environment is read in src/config/ only.'
      }]
    }
  },
  {
    name: 'bifrost/long-functions',
    files: ['test/**', 'bench/**'],
    rules: { 'max-lines-per-function': 'off' }
  }
]
