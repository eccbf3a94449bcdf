import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MockUpstreamOptions } from '../../src/mock-upstream/options.ts'
import type { AnthropicMockOptions } from './anthropic-mock.ts'
import type { LoadRequest } from './http-socket.ts'
import { freePort, makeTemporaryDirectory, startProcess } from './processes.ts'
import type { RunningProcess } from './processes.ts'
import type { TreeUsage } from './process-tree.ts'

/** Something that answers chat completions: the mock itself, or a proxy in front of it. */
export interface Target {
  name: string
  port: number
  pid: number
  model: string
  headers: Record<string, string>
  usage: () => TreeUsage
  stop: () => Promise<void>
}

export interface GatewayTarget extends Target {
  /** Watched by the gateway. */
  configFile: string
}

export interface GatewayOptions {
  mockPort: number
  concurrency?: number
  bufferSize?: number
  dropExcessRequests?: boolean
  /** More providers, as in the config file. */
  providers?: Record<string, unknown>
  /** More of the `client` block. */
  client?: object
  /** A command, with its arguments, that starts the gateway's own. */
  prefix?: readonly string[]
  env?: Record<string, string>
  /** Takes the log; thrown away when absent. */
  logFile?: string
}

const buildRoot = join(import.meta.dirname, '..', '..')

export async function startMock (options: Partial<MockUpstreamOptions> = {}): Promise<Target> {
  const port = await freePort()
  const process_ = await startProcess({
    name: 'mock upstream',
    command: process.execPath,
    args: [join(import.meta.dirname, 'mock-process.js'), JSON.stringify({ ...options, port })],
    readyUrl: `http://127.0.0.1:${port}/mock/stats`
  })
  return toTarget('direct', port, process_)
}

export async function startAnthropicMock (options: Omit<AnthropicMockOptions, 'port'>): Promise<Target> {
  const port = await freePort()
  const process_ = await startProcess({
    name: 'mock of Anthropic',
    command: process.execPath,
    args: [join(import.meta.dirname, 'anthropic-mock.js'), JSON.stringify({ ...options, port })],
    readyUrl: `http://127.0.0.1:${port}/ready`
  })
  return { ...toTarget('anthropic', port, process_), model: 'claude-sonnet-4-5' }
}

export async function startGateway (options: GatewayOptions): Promise<GatewayTarget> {
  const cli = join(buildRoot, 'src', 'cli.js')
  if (!existsSync(cli)) throw new Error(`${cli} is missing: build the gateway first (npm run build)`)
  const port = await freePort()
  const directory = makeTemporaryDirectory()
  const configFile = join(directory, 'config.json')
  writeFileSync(configFile, JSON.stringify({
    client: { drop_excess_requests: options.dropExcessRequests ?? false, ...options.client },
    providers: {
      openai: {
        keys: [{ name: 'bench', value: 'x', models: ['*'], weight: 1 }],
        network_config: { base_url: `http://127.0.0.1:${options.mockPort}` },
        concurrency_and_buffer_size: { concurrency: options.concurrency ?? 1000, buffer_size: options.bufferSize ?? 5000 }
      },
      ...options.providers
    }
  }, null, 2))
  const [command, ...prefixed] = [...options.prefix ?? [], process.execPath]
  const process_ = await startProcess({
    name: 'gateway',
    command,
    args: [...prefixed, cli, 'start', '--config', configFile, '--port', String(port), '--log-level', 'info'],
    env: options.env,
    cwd: directory,
    // The log lines of requests are written, as in real use.
    stdoutFile: options.logFile ?? '/dev/null',
    readyUrl: `http://127.0.0.1:${port}/health/ready`
  })
  return { ...toTarget('gateway', port, process_), model: 'openai/gpt-4o-mini', configFile }
}

/** The floor for a gateway of this shape: see `bare-hop.ts`. */
export async function startBareHop (mockPort: number): Promise<Target> {
  const port = await freePort()
  const process_ = await startProcess({
    name: 'bare hop',
    command: process.execPath,
    args: [join(import.meta.dirname, 'bare-hop.js'), JSON.stringify({ port, mockPort })],
    readyUrl: `http://127.0.0.1:${port}/`
  })
  return toTarget('bare hop', port, process_)
}

export async function startNginx (mockPort: number): Promise<Target> {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'ignore' })
  } catch {
    throw new Error('nginx is missing: scripts/system-packages.sh installs it')
  }
  const port = await freePort()
  const prefix = makeTemporaryDirectory()
  writeFileSync(join(prefix, 'nginx.conf'), nginxConfig(port, mockPort))
  const process_ = await startProcess({
    name: 'nginx',
    command: 'nginx',
    args: ['-p', prefix, '-c', 'nginx.conf', '-e', 'error.log'],
    readyUrl: `http://127.0.0.1:${port}/mock/stats`
  })
  return toTarget('nginx', port, process_)
}

function nginxConfig (port: number, mockPort: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `  ${name}_temp_path temp_${name};`).join('\n')
  return `
daemon off;
worker_processes 1;
pid nginx.pid;
error_log error.log warn;
events { worker_connections 8192; }
http {
${temporary}
  access_log off;
  tcp_nodelay on;
  keepalive_requests 100000000;
  client_max_body_size 64m;
  client_body_buffer_size 2m;
  upstream mock {
    server 127.0.0.1:${mockPort};
    keepalive 256;
    keepalive_requests 100000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://mock;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}
`
}

function toTarget (name: string, port: number, running: RunningProcess): Target {
  return { name, port, pid: running.pid, model: 'gpt-4o-mini', headers: {}, usage: running.usage, stop: running.stop }
}

export async function startPortkey (mockPort: number, packageRoot: string): Promise<Target> {
  const port = await freePort()
  const process_ = await startProcess({
    name: 'portkey',
    command: process.execPath,
    args: [join(packageRoot, 'node_modules', '@portkey-ai', 'gateway', 'build', 'start-server.js'), `--port=${port}`, '--headless'],
    env: { NODE_ENV: 'production', TRUSTED_CUSTOM_HOSTS: '127.0.0.1' },
    stdoutFile: '/dev/null',
    readyUrl: `http://127.0.0.1:${port}/`,
    readyTimeoutMs: 30_000
  })
  const headers = { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `http://127.0.0.1:${mockPort}/v1`, authorization: 'Bearer x' }
  return { ...toTarget('portkey', port, process_), headers }
}

/** A chat completion of about 230 bytes. */
export function chatRequest (target: Target, extra: Record<string, unknown> = {}): LoadRequest {
  const body = {
    model: target.model,
    messages: [
      { role: 'system', content: 'You are a helpful assistant that answers in one short sentence.' },
      { role: 'user', content: 'Why does a load generator send the same question again and again?' }
    ],
    temperature: 0.7,
    ...extra
  }
  return { port: target.port, path: '/v1/chat/completions', headers: target.headers, body: JSON.stringify(body) }
}
