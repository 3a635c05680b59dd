import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { LOAD_TESTS } from '../load-tests.ts'
import { formatHelp, formatTestHelp } from './format-help.ts'
import { parseFlags, readSettings, SettingsError } from './read-settings.ts'
import { flagOf, setting } from './setting.ts'

const SPEC = {
  rate: setting.number(10, 'messages a second', { min: 0.1, max: 1000 }),
  messageBytes: setting.integer(1024, 'of each', { min: 64, max: 262_144 }),
  sealed: setting.boolean(true, 'topics without a key'),
  raw: setting.boolean(false, 'raw delivery'),
  arrivals: setting.choice('constant', ['constant', 'poisson'], 'how'),
  publishers: setting.numbers([3, 5], 'of each topic', { min: 1, max: 100 }),
  profile: setting.text('', 'a name'),
}

function read(args: readonly string[], content?: unknown) {
  const scenario = content === undefined ? undefined : { file: 'a.json', content }
  return readSettings(SPEC, { test: 'publish', flags: parseFlags(args), scenario })
}

function problemsOf(args: readonly string[], content?: unknown): readonly string[] {
  try {
    read(args, content)
  } catch (error) {
    assert.ok(error instanceof SettingsError)
    return error.problems
  }
  return []
}

suite('readSettings()', () => {
  test('takes the flag before the scenario and the scenario before the default', () => {
    const values = read(['--rate', '2.5', '--no-sealed', '--publishers=1,2', '--profile', 'slow'], {
      test: 'publish',
      description: 'an example',
      rate: 7,
      messageBytes: 100,
      arrivals: 'poisson',
    })
    assert.deepEqual(values, {
      rate: 2.5,
      messageBytes: 100,
      sealed: false,
      raw: false,
      arrivals: 'poisson',
      publishers: [1, 2],
      profile: 'slow',
    })
  })

  test('tells all that is wrong at once, where it stands, and what would be right', () => {
    const content = { test: 'publish', rate: '7', messageBytes: 1.5, messagebytes: 1, sealed: 'yes', publishers: [] }
    assert.deepEqual(
      problemsOf(['--rate', 'fast', '--raw=1', '--arivals', 'x', '--message-bytes', '9', '--no-rate'], content),
      [
        'a.json: rate must be a number from 0.1 to 1,000, current value is "7"',
        'a.json: messageBytes must be a whole number from 64 to 262,144, current value is 1.5',
        'a.json: messagebytes is not known; did you mean messageBytes?',
        'a.json: sealed must be true or false, current value is "yes"',
        'a.json: publishers must be whole numbers from 1 to 100, at least one, current value is []',
        '--rate must be a number from 0.1 to 1,000, current value is "fast"',
        '--raw is on or off and takes no value, current value is "1"',
        '--arivals is not known; did you mean --arrivals?',
        '--message-bytes must be a whole number from 64 to 262,144, current value is 9',
        '--no-rate is not known; did you mean --rate?',
      ],
    )
  })

  test('refuses the scenario of another test, and what is none', () => {
    assert.match(problemsOf([], { test: 'soak' }).join(), /a\.json: is for the test "soak", not for publish/)
    assert.match(problemsOf([], { rate: 1 }).join(), /is for the test missing/)
    for (const content of [null, [], 'x', 3]) assert.match(problemsOf([], content).join(), /must hold one JSON object/)
    assert.match(
      problemsOf([], { test: 'publish', __proto__: null, constructor: 1 }).join(),
      /constructor is not known/,
    )
  })

  test('refuses what is no flag, and one that is given twice or needs a value', () => {
    assert.throws(() => parseFlags(['rate', '3']), /rate is no option/)
    assert.throws(() => parseFlags(['--rate', '3', '--rate=4']), /--rate is given twice/)
    assert.deepEqual(problemsOf(['--arrivals']), ['--arrivals needs a value: constant|poisson'])
  })
})

suite('loadtest/scenarios', () => {
  const folder = join(import.meta.dirname, '..', 'scenarios')
  for (const file of readdirSync(folder)) {
    test(`${file} is one that its test takes`, () => {
      const content = JSON.parse(readFileSync(join(folder, file), 'utf8'))
      const named = LOAD_TESTS.find(({ name }) => name === content.test)
      assert.ok(named !== undefined)
      assert.ok(content.description.length > 20)
      readSettings(named.settings, { test: named.name, flags: new Map(), scenario: { file, content } })
    })
  }
})

suite('help', () => {
  test('names every test, and every option with its default', () => {
    const all = formatHelp(LOAD_TESTS)
    for (const each of LOAD_TESTS) {
      assert.ok(all.includes(`  ${each.name} `), each.name)
      const text = formatTestHelp(each)
      for (const [name, { kind, default: standard }] of Object.entries(each.settings)) {
        const flag = kind === 'boolean' && standard === true ? `--no-${flagOf(name)}` : `--${flagOf(name)}`
        assert.ok(text.includes(`  ${flag}`), flag)
        if (typeof standard === 'number') assert.ok(text.includes(`(${standard})`), `${flag}: ${standard}`)
      }
    }
  })
})
