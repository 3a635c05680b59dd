import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type CallOutcome, type CallRecord, recordOf } from './call-record.ts'

const done: CallOutcome = { kind: 'done' }
const failed: CallOutcome = { kind: 'failed' }
const refused: CallOutcome = { kind: 'refused', denies: false }
const denied: CallOutcome = { kind: 'refused', denies: true }

suite('recordOf()', () => {
  const cases: [string, CallOutcome, { known: boolean; admin: boolean }, CallRecord | undefined][] = [
    ['a message that was accepted', done, { known: true, admin: false }, undefined],
    ['a change that was made', done, { known: true, admin: true }, 'administered'],
    ['a change that was refused for what it said', refused, { known: true, admin: true }, 'administered'],
    ['a change that failed on our side', failed, { known: true, admin: true }, 'administered'],
    ['a change that was denied', denied, { known: true, admin: true }, 'denied'],
    ['a message that was denied', denied, { known: true, admin: false }, 'denied'],
    ['a message that was refused for what it said', refused, { known: true, admin: false }, undefined],
    ['a message that failed on our side', failed, { known: true, admin: false }, undefined],
    ['what is refused before it is known who calls', refused, { known: false, admin: false }, 'denied'],
    ['a change of nobody known', refused, { known: false, admin: true }, 'denied'],
    ['what fails on our side before it is known who calls', failed, { known: false, admin: true }, undefined],
  ]
  for (const [name, outcome, { known, admin }, expected] of cases) {
    test(`takes ${name} for ${expected ?? 'nothing to record'}`, () => {
      assert.equal(recordOf({ outcome, isAuthenticated: known, isAdministrative: admin }), expected)
    })
  }
})
