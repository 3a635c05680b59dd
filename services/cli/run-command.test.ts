import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { openPrincipals } from '#shared/principals'
import { runCommand } from './run-command.ts'

suite('sealcast principals add', () => {
  test('prints an access key that is in the file from then on', async () => {
    await using cli = await setup()
    assert.equal(await cli.run('principals', 'add', '--user', 'teams/alice'), 0)
    const accessKeyId = /^export AWS_ACCESS_KEY_ID=(.+)$/m.exec(cli.output())?.[1] ?? ''
    const secretAccessKey = /^export AWS_SECRET_ACCESS_KEY=(.+)$/m.exec(cli.output())?.[1]
    await using principals = await openPrincipals({ file: cli.file, onReloadFailure: (error) => assert.ifError(error) })
    const principal = principals.findByAccessKey(accessKeyId)
    assert.equal(principal?.principal.arn, 'arn:aws:iam::000000000000:user/teams/alice')
    assert.equal(principal.secretAccessKey, secretAccessKey)
    assert.equal(cli.errors(), '')
  })

  test('prints JSON and nothing else with --json', async () => {
    await using cli = await setup()
    assert.equal(await cli.run('principals', 'add', '--arn', 'arn:aws:iam::123456789012:root', '--json'), 0)
    const added = JSON.parse(cli.output())
    assert.deepEqual(Object.keys(added), ['arn', 'accessKeyId', 'secretAccessKey'])
    assert.equal(added.arn, 'arn:aws:iam::123456789012:root')
  })

  test('takes the account of users from SEALCAST_ACCOUNT_ID', async () => {
    await using cli = await setup({ SEALCAST_ACCOUNT_ID: '123456789012' })
    await cli.run('principals', 'add', '--user', 'alice', '--json')
    assert.equal(JSON.parse(cli.output()).arn, 'arn:aws:iam::123456789012:user/alice')
  })

  test('takes the file from SEALCAST_PRINCIPALS_FILE before SEALCAST_HOME', async () => {
    await using cli = await setup()
    const file = join(cli.home, 'elsewhere', 'p.json')
    assert.equal(await cli.run('principals', 'add', '--user', 'alice'), 0)
    cli.env.SEALCAST_PRINCIPALS_FILE = file
    assert.equal(await cli.run('principals', 'add', '--user', 'alice'), 0)
    assert.equal(JSON.parse(await readFile(file, 'utf8')).principals.length, 1)
  })

  for (const [name, ...words] of [
    ['neither ARN nor user', 'principals', 'add'],
    ['ARN and user both', 'principals', 'add', '--user', 'a', '--arn', 'arn:aws:iam::000000000000:user/a'],
    ['a role without trust policy', 'principals', 'add', '--arn', 'arn:aws:iam::000000000000:role/a'],
    ['a user name that IAM does not allow', 'principals', 'add', '--user', 'a b'],
    ['an empty user name', 'principals', 'add', '--user', ''],
    ['an unknown option', 'principals', 'add', '--user', 'a', '--jsno'],
    ['a word too many', 'principals', 'add', 'alice', '--user', 'a'],
    ['an option without its value', 'principals', 'add', '--user'],
    ['an unknown command', 'principal'],
    ['an unknown command of principals', 'principals', 'ad'],
  ] as const) {
    test(`refuses ${name} with exit code 2 and one line, and makes no file`, async () => {
      await using cli = await setup()
      assert.equal(await cli.run(...words), 2)
      assert.match(cli.errors(), /^[^\n]+\n$/)
      assert.equal(cli.output(), '')
      assert.deepEqual(await readdir(cli.home), [])
    })
  }

  test('refuses a principal that is there already, and a file that others can read', async () => {
    await using cli = await setup()
    await cli.run('principals', 'add', '--user', 'alice')
    assert.equal(await cli.run('principals', 'add', '--user', 'alice'), 2)
    assert.match(cli.errors(), /^sealcast: Cannot add arn:aws:iam::000000000000:user\/alice: [^\n]+\n$/)
    await chmod(cli.file, 0o644)
    assert.equal(await cli.run('principals', 'add', '--user', 'bob'), 2)
  })

  test('refuses an account that is not 12 digits', async () => {
    await using cli = await setup({ SEALCAST_ACCOUNT_ID: '123' })
    assert.equal(await cli.run('principals', 'add', '--user', 'alice'), 2)
    assert.match(cli.errors(), /^sealcast: Cannot start: SEALCAST_ACCOUNT_ID must be 12 digits\n$/)
  })

  test('exits with 1 and one line when the disk refuses', async () => {
    await using cli = await setup({ SEALCAST_PRINCIPALS_FILE: '/dev/null/principals.json' })
    assert.equal(await cli.run('principals', 'add', '--user', 'alice'), 1)
    assert.match(cli.errors(), /^sealcast: [^\n]+\n$/)
  })

  test('shows help when asked to', async () => {
    await using cli = await setup()
    assert.equal(await cli.run('principals', 'add', '--help'), 0)
    assert.match(cli.output(), /--user <name>/)
  })
})

async function setup(env: Record<string, string> = {}) {
  const home = await mkdtemp(join(tmpdir(), 'cli-'))
  const surroundings = { SEALCAST_HOME: home, ...env } as Record<string, string>
  let output = ''
  let errors = ''
  let input = ''
  return {
    home,
    file: join(home, 'principals.json'),
    env: surroundings,
    setInput: (text: string) => {
      input = text
    },
    output: () => output,
    errors: () => errors,
    run: (...words: string[]) =>
      runCommand(words, {
        env: surroundings,
        readStandardInput: async () => input,
        writeOutput: (text) => {
          output += text
        },
        writeError: (text) => {
          errors += text
        },
      }),
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  }
}
