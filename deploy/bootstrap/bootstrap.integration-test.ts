import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'

suite('deploy/bootstrap.mjs', () => {
  test('installs once, then again only when what npm installs has changed', async (t) => {
    const { run, npmCalls, write } = setup(t)
    assert.match((await run('check')).stderr, /dependencies: installed/)
    assert.deepEqual(npmCalls(), ['ci --include=dev --loglevel=error'])
    assert.match((await run('check')).stderr, /dependencies: in place/)
    write('package.json', { ...MANIFEST, scripts: { up: 'something else' } })
    await run('check')
    assert.equal(npmCalls().length, 1)
    write('package.json', { ...MANIFEST, dependencies: { another: '1.0.0' } })
    await run('check')
    write('package-lock.json', { changed: true })
    await run('check')
    assert.equal(npmCalls().length, 3)
  })

  test('replaces a linked node_modules and leaves what it led to alone', async (t) => {
    const { root, run } = setup(t)
    mkdirSync(join(root, 'elsewhere'))
    writeFileSync(join(root, 'elsewhere', 'kept'), '')
    symlinkSync(join(root, 'elsewhere'), join(root, 'node_modules'))
    assert.equal((await run('check')).code, 0)
    assert.equal(lstatSync(join(root, 'node_modules')).isSymbolicLink(), false)
    assert.deepEqual(readdirSync(join(root, 'elsewhere')), ['kept'])
  })

  test('shows what npm said and the command when it failed, and tries again next time', async (t) => {
    const { run, npmCalls } = setup(t)
    const failed = await run('check', [], { FAKE_NPM_FAILS: '1' })
    assert.equal(failed.code, 1)
    assert.match(failed.stderr, /the registry said no[\s\S]*npm ci --include=dev/)
    assert.equal(failed.stdout, '')
    assert.equal((await run('check')).code, 0)
    assert.equal(npmCalls().length, 2)
  })

  test('lets one of several at once install, also after one that was killed', async (t) => {
    const { root, run, npmCalls } = setup(t)
    writeFileSync(join(root, '.bootstrap.lock'), String(await pidOfTheDead()))
    const results = await Promise.all(Array.from({ length: 5 }, () => run('check')))
    assert.deepEqual(
      results.map(({ code }) => code),
      [0, 0, 0, 0, 0],
    )
    assert.equal(npmCalls().length, 1)
    assert.deepEqual(
      readdirSync(root).filter((name) => name.startsWith('.bootstrap.lock')),
      [],
    )
  })

  test('hands over arguments, standard output and the exit code', async (t) => {
    const { run } = setup(t)
    const { code, stdout, stderr } = await run('sealcast', ['exit', '7', '--flag', 'two words'])
    assert.equal(code, 7)
    assert.deepEqual(JSON.parse(stdout).args, ['exit', '7', '--flag', 'two words'])
    assert.match(stderr, /^bootstrap {2}dependencies: .*\nbootstrap {2}.*\nbootstrap {2}node: /)
  })

  test('ends by the signal that ended the command', async (t) => {
    const { run } = setup(t)
    assert.equal((await run('sealcast', ['die', 'SIGKILL'])).signal, 'SIGKILL')
  })

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    test(`hands ${signal} on once and ends as the command does`, async (t) => {
      const { start } = setup(t)
      const { child, ended, firstLine } = start('sealcast', ['wait'])
      await firstLine
      child.kill(signal)
      const { code, stdout } = await ended
      assert.equal(code, 5)
      assert.deepEqual(stdout.trim().split('\n').slice(1), [signal])
    })
  }

  test('its end, even by kill -9, reaches `up` through the channel', async (t) => {
    const { root, start } = setup(t)
    const { child, firstLine, ended } = start('up', ['wait'], { SEALCAST_REDIS_URL: 'redis://elsewhere' })
    await firstLine
    child.kill('SIGKILL')
    await ended
    const mark = join(root, 'disconnected')
    for (let i = 0; i < 500 && !existsSync(mark); i++) await new Promise((resolve) => setTimeout(resolve, 10))
    assert.ok(existsSync(mark))
  })

  test('explains itself when the command is unknown, without installing', async (t) => {
    const { run, npmCalls } = setup(t)
    for (const name of ['', 'upp', 'toString']) {
      const { code, stderr } = await run(name)
      assert.equal(code, 2)
      assert.match(stderr, /^Usage: npm run <command>[\s\S]*npm run up/)
    }
    assert.equal((await run('--help')).code, 0)
    assert.deepEqual(npmCalls(), [])
  })

  test('removes its lock when a signal stops it while it installs', async (t) => {
    const { root, start, npmCalls } = setup(t)
    const { child, ended } = start('check', [], { FAKE_NPM_HANGS: '1' })
    for (let i = 0; i < 500 && npmCalls().length === 0; i++) await new Promise((resolve) => setTimeout(resolve, 10))
    child.kill('SIGTERM')
    assert.equal((await ended).code, 128 + constants.signals.SIGTERM)
    assert.equal(existsSync(join(root, '.bootstrap.lock')), false)
  })
})

suite('deploy/bootstrap.mjs without redis-server', () => {
  const isRoot = process.getuid?.() === 0

  test('installs it with apt-get as root, else names the commands', async (t) => {
    const { run, aptCalls } = setup(t, { redis: false })
    const { code, stderr } = await run('test')
    if (isRoot) {
      assert.equal(code, 0)
      assert.match(stderr, /redis-server: installed/)
      assert.deepEqual(aptCalls(), [
        'noninteractive update',
        'noninteractive install -y --no-install-recommends -o DPkg::Lock::Timeout=120 redis-server',
      ])
    } else {
      assert.equal(code, 1)
      for (const tool of ['apt-get', 'dnf', 'brew']) assert.ok(stderr.includes(tool), tool)
      assert.deepEqual(aptCalls(), [])
    }
  })

  test('does not let the package start a service, and takes the guard away again', { skip: !isRoot }, async (t) => {
    const guard = '/usr/sbin/policy-rc.d'
    const before = existsSync(guard)
    const { run, root } = setup(t, { redis: false })
    await run('test')
    assert.equal(readFileSync(join(root, 'guarded'), 'utf8'), 'yes')
    assert.equal(existsSync(guard), before)
  })

  test('says so when apt-get cannot install it', { skip: !isRoot }, async (t) => {
    const { run } = setup(t, { redis: false })
    const { code, stderr } = await run('test', [], { FAKE_APT_FAILS: '1' })
    assert.equal(code, 1)
    assert.match(stderr, /no such package[\s\S]*apt-get install/)
  })

  test('names the commands where there is no apt-get', async (t) => {
    const { run } = setup(t, { redis: false, apt: false })
    const { code, stderr } = await run('up')
    assert.equal(code, 1)
    assert.match(stderr, /brew install redis[\s\S]*SEALCAST_REDIS_URL/)
  })

  test('needs none for unit tests, for help, or with a Redis of somebody else', async (t) => {
    const { run } = setup(t, { redis: false, apt: false })
    assert.equal((await run('test', ['unit'])).code, 0)
    assert.equal((await run('up', ['--help'])).code, 0)
    assert.equal((await run('up', [], { SEALCAST_REDIS_URL: 'redis://elsewhere' })).code, 0)
    assert.equal((await run('check')).code, 0)
  })
})

suite('deploy/bootstrap.mjs bench', () => {
  test('needs wrk beside Redis: installed as root, else named', async (t) => {
    const { run, aptCalls } = setup(t)
    const { code, stderr } = await run('bench')
    if (process.getuid?.() === 0) {
      assert.equal(code, 0)
      assert.match(aptCalls().at(-1) ?? '', /install .* wrk$/)
    } else {
      assert.equal(code, 1)
      assert.match(stderr, /apt-get install wrk/)
    }
  })

  test('says what is missing where it cannot be installed, but shows its help', async (t) => {
    const { run } = setup(t, { apt: false })
    const { code, stderr } = await run('bench')
    assert.equal(code, 1)
    assert.match(stderr, /wrk is not in PATH/)
    assert.equal((await run('bench', ['--help'])).code, 0)
  })
})

const MANIFEST = { type: 'module', dependencies: { something: '1.0.0' } }

/** Says what it was given; `exit <code>`, `die <signal>` and `wait` for a signal as told. */
const ENTRY = `
  import { writeFileSync } from 'node:fs'
  const args: string[] = process.argv.slice(2)
  const say = () => process.stdout.write(JSON.stringify({ args }) + '\\n')
  if (args[0] !== 'wait') say()
  if (args[0] === 'exit') process.exit(Number(args[1]))
  if (args[0] === 'die') process.kill(process.pid, args[1])
  if (args[0] === 'wait') {
    const timer = setInterval(() => {}, 1000)
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      // The end is late, so that a second signal would be seen.
      process.on(signal, () => { process.stdout.write(signal + '\\n'); setTimeout(() => process.exit(5), 150) })
    }
    process.on('disconnect', () => { writeFileSync('disconnected', ''); clearInterval(timer); process.exit(0) })
    say()
  } else if (process.connected) process.disconnect()
`

/** Stands in for npm: makes the Node that the bootstrap looks for. */
const NPM = `
  const { appendFileSync, existsSync, mkdirSync, readdirSync, symlinkSync, rmSync } = require('node:fs')
  const { join } = require('node:path')
  appendFileSync('npm.log', process.argv.slice(2).join(' ') + '\\n')
  if (process.env.FAKE_NPM_FAILS) { console.error('the registry said no'); process.exit(1) }
  if (process.env.FAKE_NPM_HANGS) setInterval(() => {}, 1000)
  else {
    // As npm does it: what is in the folder goes, also through a link.
    if (existsSync('node_modules')) for (const name of readdirSync('node_modules')) rmSync(join('node_modules', name), { recursive: true })
    mkdirSync('node_modules/node/bin', { recursive: true })
    symlinkSync(${JSON.stringify(process.execPath)}, 'node_modules/node/bin/node')
  }
`

const APT = `#!/bin/sh
echo "$DEBIAN_FRONTEND $*" >> apt.log
[ -e /usr/sbin/policy-rc.d ] && printf yes > guarded
[ "$1" = update ] && exit 0
[ -n "$FAKE_APT_FAILS" ] && { echo 'no such package' >&2; exit 100; }
for program in "$@"; do :; done
printf '#!/bin/sh\\n' > "bin/$program"
chmod +x "bin/$program"
`

/** A checkout in small, with our bootstrap and with stand-ins for everything it calls. */
function setup(t: TestContext, { redis = true, apt = true }: { redis?: boolean; apt?: boolean } = {}) {
  const root = mkdtempSync(join(tmpdir(), 'sealcast-bootstrap-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const write = (file: string, content: unknown, mode = 0o644) => {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), typeof content === 'string' ? content : JSON.stringify(content))
    chmodSync(join(root, file), mode)
  }
  const here = import.meta.dirname
  cpSync(join(here, '..', 'bootstrap.mjs'), join(root, 'deploy', 'bootstrap.mjs'))
  cpSync(here, join(root, 'deploy', 'bootstrap'), { recursive: true, filter: (path) => !path.endsWith('.ts') })
  write('package.json', MANIFEST)
  write('package-lock.json', {})
  write('npm/npm-cli.js', NPM)
  write('npm/package.json', { type: 'commonjs' })
  for (const entry of [
    'services/up',
    'services/demo',
    'services/cli',
    'deploy/test',
    'deploy/check',
    'loadtest',
    'loadtest/bench',
  ]) {
    write(`${entry}/main.ts`, ENTRY)
  }
  if (redis) write('bin/redis-server', '#!/bin/sh\n', 0o755)
  if (apt) write('bin/apt-get', APT, 0o755)
  mkdirSync(join(root, 'bin'), { recursive: true })
  for (const program of ['/bin/chmod', '/bin/sh'])
    symlinkSync(program, join(root, 'bin', program.slice('/bin/'.length)))

  const start = (command: string, args: string[] = [], env: Record<string, string> = {}) => {
    const child = spawn(oldestNode(), ['deploy/bootstrap.mjs', ...(command === '' ? [] : [command]), ...args], {
      cwd: root,
      env: { PATH: join(root, 'bin'), npm_execpath: join(root, 'npm', 'npm-cli.js'), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    t.after(() => child.kill('SIGKILL'))
    const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stdout, stderr }))
    return { child, ended, firstLine: Promise.race([once(child.stdout, 'data'), ended]) }
  }
  const lines = (file: string) =>
    existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8').trim().split('\n') : []
  return {
    root,
    write,
    start,
    run: (command: string, args?: string[], env?: Record<string, string>) => start(command, args, env).ended,
    npmCalls: () => lines('npm.log'),
    aptCalls: () => lines('apt.log'),
  }
}

/** The Node that the machine has of its own, which may be older than ours: the bootstrap must run on it. */
function oldestNode(): string {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'))
  return folders.map((folder) => join(folder, 'node')).find(existsSync) ?? process.execPath
}

async function pidOfTheDead(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  await once(child, 'close')
  return child.pid ?? 0
}
