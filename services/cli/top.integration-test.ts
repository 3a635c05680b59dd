/** `sealcast top` as a process: before a terminal, which Python's pty module gives it, and before a pipe. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))
const ESCAPE = '\u001b'
const COLOR = new RegExp(`${ESCAPE}\\[\\d+m`, 'g')
const TAKEN = '\u001b[?1049h\u001b[?25l'
const GIVEN_BACK = '\u001b[?25h\u001b[?1049l'

/** Runs a command before a pseudo-terminal of 24 × 80, types what comes in, and tells at the end whether keys echo again. */
const PTY = `
import fcntl, os, pty, select, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
os.write(2, b'%d\\n' % pid)
keys = [0]
while True:
    ready, _, _ = select.select([fd] + keys, [], [])
    if fd in ready:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        os.write(1, data)
        echoes = termios.tcgetattr(fd)[3] & (termios.ECHO | termios.ICANON)
    if 0 in ready:
        typed = os.read(0, 100)
        if typed == b'R':
            fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 30, 40, 0, 0))
            os.kill(pid, 28)
        elif typed:
            os.write(fd, typed)
        else:
            keys = []
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
os.write(2, b'exit %d echo %d\\n' % (code, echoes != 0))
`

suite('sealcast top before a terminal', () => {
  for (const [what, stop] of [
    ['q', (run: Run) => run.type('q')],
    ['Ctrl-C', (run: Run) => run.type('\u0003')],
    ['SIGINT', (run: Run) => run.kill('SIGINT')],
    ['SIGTERM', (run: Run) => run.kill('SIGTERM')],
  ] as const) {
    test(`gives it back as it was after ${what}`, async () => {
      await using page = await serve()
      await using run = start(page.url)
      await run.shown(/messages +[\d.]+\/s/)
      assert.ok(run.output().includes(TAKEN))
      stop(run)
      assert.equal(await run.ended, 'exit 0 echo 1')
      assert.ok(run.output().trimEnd().endsWith(GIVEN_BACK), JSON.stringify(run.output().slice(-60)))
    })
  }

  test('takes another size at once, and never clears the screen before a frame', async () => {
    await using page = await serve()
    await using run = start(page.url, '--interval', '0.2')
    await run.shown(/messages +[\d.]+\/s/)
    await run.shown(/retries .*attempt p99/)
    run.type('R')
    await run.shown(new RegExp(`retries +\\S+ *${ESCAPE}\\[K`))
    run.type('q')
    await run.ended
    assert.ok(!run.output().includes(`${ESCAPE}[2J`))
  })

  test('shows no colour where NO_COLOR asks for none', async () => {
    await using page = await serve()
    await using run = start(page.url)
    await using plain = startWith({ NO_COLOR: '1' }, page.url)
    for (const each of [run, plain]) {
      await each.shown(/messages/)
      each.type('q')
      await each.ended
    }
    assert.notEqual(run.output().search(COLOR), -1)
    assert.equal(plain.output().search(COLOR), -1)
  })
})

suite('sealcast top before a pipe', () => {
  test('writes a line each time until it is stopped, and shows a process that dies and comes again', async () => {
    await using page = await serve()
    const child = spawn(process.execPath, [MAIN, 'top', '--urls', page.url, '--interval', '0.2'], {
      env: { PATH: process.env.PATH },
    })
    const output = collect(child)
    await output.shown(/down 0\n/)
    page.fail(true)
    await output.shown(/down 1\n/)
    page.fail(false)
    await output.shown(/down 1\n.*down 0\n/s)
    child.kill('SIGTERM')
    const [code] = await once(child, 'close')
    assert.equal(code, 0)
    assert.ok(!output.text().includes(ESCAPE))
  })

  test('ends with one line and code 2 where nothing answers, and where no address is one', async () => {
    for (const [words, said] of [
      [['--urls', 'http://127.0.0.1:1/metrics'], /no process answers/],
      [['--urls', 'file:///etc/passwd'], /address 1 is no http/],
      [['--urls', ','], /there are 0/],
      [['--interval', '0'], /--interval must be/],
      [[], /SEALCAST_METRICS_URLS/],
    ] as const) {
      const child = spawn(process.execPath, [MAIN, 'top', '--once', '--interval', '0.2', ...words], {
        env: { PATH: process.env.PATH },
      })
      let errors = ''
      child.stderr.on('data', (chunk: Buffer) => {
        errors += chunk.toString()
      })
      const [code] = await once(child, 'close')
      assert.equal(code, 2, errors)
      assert.match(errors, said)
      assert.match(errors, /^[^\n]+\n$/)
    }
  })
})

type Run = ReturnType<typeof start>

const start = (url: string, ...words: string[]) => startWith({}, url, ...words)

function startWith(env: Readonly<Record<string, string>>, url: string, ...words: string[]) {
  const child = spawn('python3', ['-c', PTY, process.execPath, MAIN, 'top', '--urls', url, ...words], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TERM: 'xterm', ...env },
  })
  const output = collect(child)
  let told = ''
  child.stderr.on('data', (chunk: Buffer) => {
    told += chunk.toString()
  })
  return {
    output: output.text,
    shown: output.shown,
    type: (keys: string) => void child.stdin.write(keys),
    kill: (signal: NodeJS.Signals) => void process.kill(Number.parseInt(told, 10), signal),
    ended: once(child, 'close').then(() => told.trim().split('\n').at(-1)),
    /** Its terminal goes with it, and the command with that. */
    [Symbol.asyncDispose]: async () => void child.kill('SIGKILL'),
  }
}

function collect(child: ChildProcess) {
  let text = ''
  const waiting = new Set<() => void>()
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8')
    for (const look of waiting) look()
  })
  return {
    text: () => text,
    async shown(pattern: RegExp) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const look = () => pattern.test(text.replaceAll(COLOR, '')) && resolve()
      waiting.add(look)
      child.once('close', () => reject(new Error(`It ended before it showed ${pattern}: ${text}`)))
      look()
      await promise.finally(() => waiting.delete(look))
    },
  }
}

/** A page whose counter goes on. */
async function serve() {
  let [count, fails] = [0, false]
  const server = createServer((_, response) => {
    if (fails) response.writeHead(503)
    response.end(`sealcast_messages_published_total ${count++}\n`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`,
    fail(whether: boolean) {
      fails = whether
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}
