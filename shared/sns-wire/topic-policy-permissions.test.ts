import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { defaultTopicPolicy } from './default-policies.ts'
import { TOPIC_POLICY_ACTIONS } from './topic-policy-parse.ts'
import { addPermission, removePermission } from './topic-policy-permissions.ts'

const TOPIC = 'arn:aws:sns:us-east-1:000000000000:orders'
const DEFAULT = defaultTopicPolicy(TOPIC, '000000000000')
const permission = { label: 'partners', accounts: ['111111111111'], actions: ['Publish'] }

suite('addPermission()', () => {
  test('appends a statement of plain texts for one account and one action', () => {
    const added = addPermission(DEFAULT, TOPIC, permission)
    assert.equal(
      added,
      `${DEFAULT.slice(0, -2)},{"Sid":"partners","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"SNS:Publish","Resource":"${TOPIC}"}]}`,
    )
  })

  test('appends lists for several, each named once', () => {
    const several = {
      label: 'l',
      accounts: ['111111111111', '222222222222'],
      actions: ['Publish', 'Subscribe', 'Publish'],
    }
    const statement = JSON.parse(addPermission(DEFAULT, TOPIC, several)).Statement[1]
    assert.deepEqual(statement.Principal.AWS, ['arn:aws:iam::111111111111:root', 'arn:aws:iam::222222222222:root'])
    assert.deepEqual(statement.Action, ['SNS:Publish', 'SNS:Subscribe'])
  })

  test('leaves the policy as it is when the label says the same already, in whatever order', () => {
    const several = { label: 'l', accounts: ['111111111111', '222222222222'], actions: ['Publish', 'Subscribe'] }
    const added = addPermission(DEFAULT, TOPIC, several)
    assert.equal(addPermission(added, TOPIC, several), added)
    const { accounts, actions } = several
    const turned = { label: 'l', accounts: accounts.toReversed(), actions: actions.toReversed() }
    assert.equal(addPermission(added, TOPIC, turned), added)
  })

  test('refuses a label that says something else', () => {
    const added = addPermission(DEFAULT, TOPIC, permission)
    const others = [
      { ...permission, actions: ['Subscribe'] },
      { ...permission, accounts: ['222222222222'] },
      { ...permission, label: '__default_statement_ID' },
    ]
    for (const other of others) {
      assert.throws(() => addPermission(added, TOPIC, other), {
        message: 'Invalid parameter: Statement already exists',
      })
    }
    const denied = added.replace('"Sid":"partners","Effect":"Allow"', '"Sid":"partners","Effect":"Deny"')
    assert.throws(() => addPermission(denied, TOPIC, permission), { code: 'INVALID_PARAMETER' })
  })

  test('takes the names of actions that have a topic, and nothing else', () => {
    addPermission(DEFAULT, TOPIC, { ...permission, actions: TOPIC_POLICY_ACTIONS })
    for (const name of ['sns:Publish', '*', 'publish', 'CreateTopic', 'Publish*', '']) {
      assert.throws(() => addPermission(DEFAULT, TOPIC, { ...permission, actions: [name] }), {
        message: 'Invalid parameter: Policy statement action out of service scope!',
      })
    }
  })

  test('refuses what is no account', () => {
    for (const account of ['*', '1', 'arn:aws:iam::111111111111:root', '']) {
      assert.throws(() => addPermission(DEFAULT, TOPIC, { ...permission, accounts: [account] }), {
        message: 'Invalid parameter: Policy Error: PrincipalNotFound',
      })
    }
  })

  test('adds 99 statements to the default one and refuses the next, and keeps to the bytes', () => {
    let policy = DEFAULT
    for (let n = 0; n < 99; n++) policy = addPermission(policy, TOPIC, { ...permission, label: `l${n}` })
    assert.throws(() => addPermission(policy, TOPIC, permission), { code: 'INVALID_PARAMETER' })
    assert.throws(() => addPermission(DEFAULT, TOPIC, { ...permission, label: 'x'.repeat(30_700) }), {
      code: 'INVALID_PARAMETER',
    })
  })
})

suite('removePermission()', () => {
  test('takes away what addPermission() added, and no more', () => {
    const added = addPermission(DEFAULT, TOPIC, permission)
    assert.equal(removePermission(added, TOPIC, 'partners'), DEFAULT)
  })

  test('leaves the policy as it is when nothing has that label', () => {
    assert.equal(removePermission(DEFAULT, TOPIC, 'partners'), DEFAULT)
  })

  test('refuses to take away the last statement, and does not repeat all of a long label', () => {
    assert.throws(() => removePermission(DEFAULT, TOPIC, '__default_statement_ID'), {
      message: 'Invalid parameter: __default_statement_ID Reason: Policy must include at least one statement',
    })
    const label = 'x'.repeat(1000)
    const only = JSON.stringify({ Statement: { ...JSON.parse(DEFAULT).Statement[0], Sid: label } })
    assert.throws(
      () => removePermission(only, TOPIC, label),
      ({ message }: Error) => message.length < 250,
    )
  })
})
