import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
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

const POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sns:Publish","Resource":"*"}]}'
const TRUST =
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}'

suite('sealcast principals', () => {
  test('prints what a shell can evaluate, and the secret this once', async () => {
    await using cli = await setup()
    await cli.run('principals', 'add', '--user', 'alice')
    for (const line of cli.output().trimEnd().split('\n')) assert.match(line, /^(#|export AWS_\w+=[\w/+]+$|unset \w+$)/)
    const secret = /SECRET_ACCESS_KEY=(.+)/.exec(cli.output())?.[1] ?? assert.fail()
    const before = cli.output().length
    await cli.run('principals', 'list')
    await cli.run('principals', 'list', '--json')
    await cli.run('principals', 'rotate', '--user', 'alice', '--json')
    assert.equal(await cli.run('principals', 'rotate', '--user', 'alice'), 2)
    await cli.run('principals', 'remove', '--user', 'alice')
    assert.ok(!(cli.output().slice(before) + cli.errors()).includes(secret))
  })

  test('gives a policy from standard input or a file, shows it, and takes it away', async () => {
    await using cli = await setup()
    await cli.run('principals', 'add', '--user', 'alice')
    cli.setInput(POLICY)
    assert.equal(await cli.run('principals', 'policy', 'put', 'own', '--user', 'alice'), 0)
    const path = join(cli.home, 'policy.json')
    await writeFile(path, POLICY)
    assert.equal(await cli.run('principals', 'policy', 'put', 'other', '--user', 'alice', '--file', path), 0)
    assert.deepEqual((await cli.json('policy', 'list', '--user', 'alice')).policies, ['own', 'other'])
    const shown = await cli.json('policy', 'get', 'own', '--user', 'alice')
    assert.deepEqual(shown.document, JSON.parse(POLICY))
    assert.equal(await cli.run('principals', 'policy', 'remove', 'own', '--user', 'alice'), 0)
    assert.deepEqual((await cli.json('policy', 'list', '--user', 'alice')).policies, ['other'])
  })

  test('adds roles and services, changes them, and lists them as JSON', async () => {
    await using cli = await setup()
    cli.setInput(TRUST)
    const role = ['--role', 'ops']
    assert.equal(await cli.run('principals', 'add', ...role, '--trust-policy', '-', '--tag', 'team=a=b'), 0)
    assert.equal(await cli.run('principals', 'add', '--service', 's3.amazonaws.com'), 0)
    assert.equal(await cli.run('principals', 'set', ...role, '--max-session-seconds', '7200'), 0)
    assert.equal(await cli.run('principals', 'set', ...role, '--kms-role-arn', 'arn:aws:iam::111122223333:role/kms'), 0)
    assert.equal(await cli.run('principals', 'organization', '000000000000', 'o-abcdefghij'), 0)
    assert.deepEqual((await cli.json('policy', 'trust', ...role, '--get')).document, JSON.parse(TRUST))
    const listed = (await cli.json('list')).principals as Record<string, unknown>[]
    assert.deepEqual(
      listed.map(({ kind }) => kind),
      ['role', 'service'],
    )
    assert.deepEqual(listed[0]?.tags, { team: 'a=b' })
    assert.equal(listed[0]?.maxSessionSeconds, 7200)
    assert.equal(listed[0]?.kmsRoleArn, 'arn:aws:iam::111122223333:role/kms')
    assert.equal(await cli.run('principals', 'set', ...role, '--no-kms-role-arn'), 0)
    const after = (await cli.json('list')).principals as Record<string, unknown>[]
    assert.equal(after[0]?.kmsRoleArn, undefined)
  })

  for (const words of [
    ['rotate', '--user', 'nobody'],
    ['rotate', '--user', 'alice', '--remove', 'AKIANOBODY0000000000'],
    ['rotate', '--user', 'alice', '--remove', 'A', '--deactivate', 'B'],
    ['remove', '--user', 'nobody'],
    ['remove'],
    ['set', '--user', 'alice', '--tag', 'aws:x=y'],
    ['set', '--user', 'alice', '--kms-role-arn', 'arn:aws:iam::111122223333:user/x'],
    ['set', '--user', 'alice', '--max-session-seconds', '7200'],
    ['set', '--user', 'alice', '--max-session-seconds', '3599'],
    ['organization', '12', 'o-abcdefghij'],
    ['organization', '000000000000', 'abcdefghij'],
    ['policy', 'put', 'own', '--user', 'alice', '--file', '/nowhere'],
    ['policy', 'put', 'own', '--user', 'alice'],
    ['policy', 'get', 'own', '--user', 'alice'],
    ['policy', 'trust', '--user', 'alice'],
    ['add', '--role', 'ops', '--trust-policy', '-'],
    ['add', '--service', 's3.amazonaws.com', '--administrator'],
    ['add', '--user', 'bob', '--policy', 'own=-'],
  ]) {
    test(`refuses ${words.join(' ')}, in one line, and changes nothing`, async () => {
      await using cli = await setup()
      await cli.run('principals', 'add', '--user', 'alice')
      const before = await readFile(cli.file, 'utf8')
      cli.setInput('{"Version":"2012-10-17","Statement":[{"Effect":"Alow","Action":"*","Resource":"*"}]}')
      assert.equal(await cli.run('principals', ...words), 2)
      assert.match(cli.errors(), /^[^\n]+\n$/)
      assert.equal(await readFile(cli.file, 'utf8'), before)
    })
  }
})

async function setup(env: Record<string, string> = {}) {
  const home = await mkdtemp(join(tmpdir(), 'cli-'))
  const surroundings = { SEALCAST_HOME: home, ...env } as Record<string, string>
  let output = ''
  let errors = ''
  let input = ''
  const run = (...words: string[]) =>
    runCommand(words, {
      env: surroundings,
      readStandardInput: async () => input,
      writeOutput: (text) => {
        output += text
      },
      writeError: (text) => {
        errors += text
      },
    })
  return {
    home,
    file: join(home, 'principals.json'),
    env: surroundings,
    setInput: (text: string) => {
      input = text
    },
    output: () => output,
    errors: () => errors,
    run,
    /** What a command of `principals` prints with --json. */
    json: async (...words: string[]): Promise<Record<string, unknown>> => {
      const from = output.length
      assert.equal(await run('principals', ...words, '--json'), 0, errors)
      return JSON.parse(output.slice(from))
    },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  }
}
