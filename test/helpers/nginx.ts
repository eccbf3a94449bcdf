import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import type { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { startServer } from './real-server.ts'

export interface Nginx {
  socketPath: string
  /** Of each request so far: the status for the client, and those of the servers that were asked for it, in order. */
  readLog: () => { status: number, upstreamStatuses: string[] }[]
}

/** nginx on a Unix socket, in front of servers on this machine. It ends with the test. */
export async function startNginx (t: TestContext, ports: readonly number[]): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-nginx-'))
  const socketPath = join(folder, 'socket')
  writeFileSync(join(folder, 'nginx.conf'), toConfig(socketPath, ports))
  await startServer(t, 'nginx', ['-p', folder, '-c', 'nginx.conf', '-e', 'error.log'], async () => await statusOf(socketPath) === 204)
  t.after(() => { rmSync(folder, { recursive: true }) })
  return {
    socketPath,
    readLog: () => readFileSync(join(folder, 'access.log'), 'utf8').trim().split('\n').map((line) => {
      const [status, upstreamStatuses = ''] = line.split('|')
      return { status: Number(status), upstreamStatuses: upstreamStatuses.split(', ') }
    })
  }
}

/** As the README tells operators: nginx leaves idle connections before the gateway does, and goes on to the next server. */
function toConfig (socketPath: string, ports: readonly number[]): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `  ${name}_temp_path temp_${name};`).join('\n')
  return `
daemon off;
worker_processes 1;
pid nginx.pid;
error_log error.log warn;
events { worker_connections 1024; }
http {
${temporary}
  log_format statuses '$status|$upstream_status';
  access_log access.log statuses;
  keepalive_requests 1000000;
  upstream gateways {
${ports.map((port) => `    server 127.0.0.1:${port} max_fails=0;`).join('\n')}
    keepalive 32;
    keepalive_timeout 5s;
  }
  server {
    listen unix:${socketPath};
    location = /nginx { access_log off; return 204; }
    location / {
      proxy_pass http://gateways;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_next_upstream error timeout http_503 non_idempotent;
    }
  }
}
`
}

function statusOf (socketPath: string): Promise<number> {
  return new Promise((resolve) => {
    request({ socketPath, path: '/nginx', agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    }).on('error', () => { resolve(0) }).end()
  })
}

/** A response as a client of Node's own sees it. */
export interface HttpAnswer {
  status: number
  text: string
  /** All of the body came, as the framing says. */
  complete: boolean
}

/** @param agent false: a connection of its own */
export function postChat (target: { socketPath: string } | { port: number }, agent: Agent | false, body: string): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request({ ...target, agent, method: 'POST', path: '/v1/chat/completions', headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => { text += piece })
      // What is cut short ends with an error too; `complete` says so.
      response.on('error', () => {})
      response.once('close', () => { resolve({ status: response.statusCode ?? 0, text, complete: response.complete }) })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
