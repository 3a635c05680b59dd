import assert from 'node:assert/strict'
import { mock, suite, test } from 'node:test'
import { createQuestions } from './questions.ts'

suite('createQuestions()', () => {
  test('gives each question its answer, in whatever order they come, and passes over others', async () => {
    const questions = createQuestions<string>()
    const ids: number[] = []
    const [a, b] = [1, 2].map(() => questions.ask((id) => ids.push(id)))
    questions.answer(99, 'nobody asked')
    questions.answer(ids[1] ?? assert.fail(), 'second')
    questions.answer(ids[0] ?? assert.fail(), 'first')
    questions.answer(ids[0] ?? assert.fail(), 'again')
    assert.deepEqual(await Promise.all([a, b]), ['first', 'second'])
  })

  test('fails in time where a time is given', async () => {
    mock.timers.enable({ apis: ['setTimeout'] })
    try {
      const questions = createQuestions<string>({ withinMs: 5_000 })
      const answered = questions.ask((id) => questions.answer(id, 'yes'))
      const silent = questions.ask(() => {})
      mock.timers.tick(5_000)
      assert.equal(await answered, 'yes')
      await assert.rejects(silent, /within 5000 ms/)
    } finally {
      mock.timers.reset()
    }
  })
})
