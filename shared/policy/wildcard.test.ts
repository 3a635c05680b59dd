import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { parseTemplate } from './template.ts'
import { ANY, compileWildcard, ONE, type PatternPart } from './wildcard.ts'

/** Far above what one pass takes on a busy machine, far below what going back would. */
const MAX_MS = 500
const PATTERN_CHARACTERS = 30_000

suite('compileWildcard()', () => {
  test('matches as a matcher does that tries every way', () => {
    const letters = (maxLength: number, ...alphabet: string[]) =>
      fc.array(fc.constantFrom(...alphabet), { maxLength }).map((each) => each.join(''))
    fc.assert(
      fc.property(letters(7, 'a', 'b', '*', '?'), letters(9, 'a', 'b'), (pattern, value) => {
        assert.equal(compile(pattern).matches(value), tryEveryWay(pattern, value), `${pattern} on ${value}`)
      }),
      { numRuns: 5000 },
    )
  })

  test('matches patterns to whole values alone', () => {
    for (const [pattern, value, expected] of [
      ['a', 'a', true],
      ['a', 'ab', false],
      ['a*', 'ba', false],
      ['*a', 'ab', false],
      ['ab*ba', 'aba', false],
      ['*ab*ab*', 'ab', false],
      ['', '', true],
      ['', 'a', false],
    ] as const)
      assert.equal(compile(pattern).matches(value), expected, `${pattern} on ${value}`)
  })

  test('does not take inserted text for a wildcard', () => {
    const parts: PatternPart[] = [{ text: '*' }, ANY, { text: '?' }, ONE]
    assert.equal(compileWildcard(parts).matches('*anything?x'), true)
    assert.equal(compileWildcard(parts).matches('xanything?x'), false)
    assert.equal(compileWildcard(parts).matches('*anythingxx'), false)
  })

  test('costs one pass, however many stars there are', () => {
    const long = 'a'.repeat(100_000)
    const patterns = [
      '*a'.repeat(PATTERN_CHARACTERS / 2),
      `${'*a'.repeat(PATTERN_CHARACTERS / 2)}*b`,
      `${'a*'.repeat(PATTERN_CHARACTERS / 2)}b`,
      '*'.repeat(PATTERN_CHARACTERS),
      `${'*?'.repeat(PATTERN_CHARACTERS / 2)}b`,
      `*${'ab'.repeat(50)}*${'a'.repeat(1000)}b*`,
    ]
    for (const pattern of patterns)
      assert.ok(milliseconds(() => compile(pattern).matches(long)) < MAX_MS, pattern.slice(0, 20))
  })

  test('costs little more than a pass where question marks stand between letters', () => {
    const value = 'a'.repeat(8192)
    for (const [pattern, count] of [
      [`*${'a?'.repeat(2000)}b*`, 7],
      [`*${'a?'.repeat(46)}b*`, 290],
      ['*a?b*', 1000],
    ] as const) {
      const patterns = Array.from({ length: count }, () => compile(pattern))
      assert.ok(milliseconds(() => patterns.some((each) => each.matches(value))) < MAX_MS, pattern.slice(0, 10))
    }
  })

  test('finds pieces with question marks that are longer than a machine word', () => {
    const letters = fc.array(fc.constantFrom('a', 'b'), { minLength: 30, maxLength: 90 })
    fc.assert(
      fc.property(letters, letters, fc.array(fc.nat(29)), (inner, around, holes) => {
        const piece = inner.map((letter, i) => (holes.includes(i) || i === 0 ? '?' : letter)).join('')
        const pattern = compile(`*b${piece}b*`)
        assert.equal(pattern.matches(`${around.join('')}b${inner.join('')}b${around.join('')}`), true)
        assert.equal(pattern.matches(around.join('')), tryAllPlaces(`b${piece}b`, around.join('')))
      }),
    )
  })
})

function compile(pattern: string) {
  const parts = parseTemplate(pattern, { variables: false, wildcards: true }, '')
  return compileWildcard(parts.filter((part): part is PatternPart => typeof part === 'symbol' || 'text' in part))
}

function tryEveryWay(pattern: string, value: string): boolean {
  if (pattern === '') return value === ''
  const [first, rest] = [pattern[0], pattern.slice(1)]
  if (first === '*') return tryEveryWay(rest, value) || (value !== '' && tryEveryWay(pattern, value.slice(1)))
  return value !== '' && (first === '?' || first === value[0]) && tryEveryWay(rest, value.slice(1))
}

function tryAllPlaces(piece: string, value: string): boolean {
  return [...value].some((_, at) =>
    [...piece].every((letter, i) => value[at + i] === letter || (letter === '?' && at + i < value.length)),
  )
}

function milliseconds(work: () => unknown): number {
  const startedAt = performance.now()
  work()
  return performance.now() - startedAt
}
