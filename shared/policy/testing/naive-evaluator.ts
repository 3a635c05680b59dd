/**
 * A second evaluator, written from IAM's rules alone: it works on the document as JSON.parse gives it, recursively and
 * slowly, and shares nothing with the engine. Knows the operators that the property test generates.
 */

export interface PlainRequest {
  kind: 'user' | 'root' | 'role-session' | 'service'
  arn: string
  account: string
  roleArn?: string
  action: string
  resource: string
  owner: string
  context: Record<string, string | string[]>
}

export interface PlainStatement {
  Effect: string
  Principal?: unknown
  NotPrincipal?: unknown
  Action?: unknown
  NotAction?: unknown
  Resource?: unknown
  NotResource?: unknown
  Condition?: Record<string, Record<string, unknown>>
}

export interface Documents {
  identity: PlainStatement[]
  session?: PlainStatement[]
  resource: PlainStatement[]
}

export type Outcome = 'allow' | 'explicit-deny' | 'deny'

export function evaluateByUnion(documents: Documents, request: PlainRequest): Outcome {
  if (deniesSomewhere(documents, request)) return 'explicit-deny'
  const identity = request.kind === 'root' || some(documents.identity, 'Allow', request)
  const session = documents.session === undefined || some(documents.session, 'Allow', request)
  const resource = namings(documents.resource, request)
  let allowed: boolean
  if (request.kind === 'service') allowed = resource.length > 0
  else if (request.account !== request.owner) allowed = identity && session && resource.length > 0
  else
    allowed =
      (identity && session) ||
      resource.includes('self') ||
      (resource.some((naming) => naming === 'role' || naming === 'anybody') && session)
  return allowed ? 'allow' : 'deny'
}

export function evaluateByResourcePolicy(documents: Documents, request: PlainRequest): Outcome {
  if (deniesSomewhere(documents, request)) return 'explicit-deny'
  const identity = request.kind === 'root' || some(documents.identity, 'Allow', request)
  const session = documents.session === undefined || some(documents.session, 'Allow', request)
  const resource = namings(documents.resource, request)
  if (resource.length === 0) return 'deny'
  if (request.kind === 'service') return 'allow'
  if (identity && session) return 'allow'
  if (request.account !== request.owner) return 'deny'
  if (resource.includes('self')) return 'allow'
  return session && resource.some((naming) => naming !== 'account') ? 'allow' : 'deny'
}

function deniesSomewhere({ identity, session = [], resource }: Documents, request: PlainRequest): boolean {
  return (
    some(identity, 'Deny', request) ||
    some(session, 'Deny', request) ||
    resource.some((one) => one.Effect === 'Deny' && isAbout(one, request) && hits(one, request))
  )
}

function some(statements: PlainStatement[], effect: string, request: PlainRequest): boolean {
  return statements.some((one) => one.Effect === effect && hits(one, request))
}

/** In which ways Allow statements of the resource's policy name the caller. */
function namings(statements: PlainStatement[], request: PlainRequest): string[] {
  return statements
    .filter((one) => one.Effect === 'Allow' && hits(one, request))
    .flatMap((one) => identitiesOf(request).filter(({ names }) => lists(one.Principal, names)))
    .map(({ as }) => as)
}

/** Everything the caller is. `anybody` is no identity to be spared by name, but everybody's. */
function identitiesOf(request: PlainRequest): { as: string; names: string[] }[] {
  const anybody = { as: 'anybody', names: ['*'] }
  if (request.kind === 'service') return [{ as: 'self', names: [`service ${request.arn}`] }, anybody]
  const root = `arn:aws:iam::${request.account}:root`
  const account = { as: 'account', names: [root, request.account] }
  // The root is its account; a user or session is itself and belongs to one.
  if (request.kind === 'root') return [{ ...account, as: 'self' }, anybody]
  const role = request.roleArn === undefined ? [] : [{ as: 'role', names: [request.roleArn] }]
  return [{ as: 'self', names: [request.arn] }, ...role, account, anybody]
}

function isAbout(one: PlainStatement, request: PlainRequest): boolean {
  if (one.Principal !== undefined) return identitiesOf(request).some(({ names }) => lists(one.Principal, names))
  if (lists(one.NotPrincipal, ['*'])) return false
  const own = identitiesOf(request).filter(({ as }) => as !== 'anybody')
  return !own.every(({ names }) => lists(one.NotPrincipal, names))
}

function lists(principal: unknown, names: string[]): boolean {
  if (principal === '*') return names.includes('*')
  const { AWS = [], Service = [] } = (principal ?? {}) as { AWS?: string | string[]; Service?: string | string[] }
  const listed = [...[AWS].flat(), ...[Service].flat().map((each) => `service ${each}`)]
  return names.some((name) => listed.includes(name))
}

function hits(one: PlainStatement, request: PlainRequest): boolean {
  const action = (pattern: string) => glob(pattern.toLowerCase(), request.action.toLowerCase())
  const resource = (pattern: string) => {
    if (pattern === '*') return true
    const filled = fill(pattern, request.context)
    if (filled === undefined || request.resource === '*') return false
    const [a, b] = [filled.split(':'), request.resource.split(':')]
    if (a.length < 6) return glob(filled, request.resource)
    const [ra, rb] = [a.splice(5).join(':'), b.splice(5).join(':')]
    return a.every((part, i) => glob(part, b[i] ?? '')) && glob(ra, rb)
  }
  const listed = (values: unknown, test: (value: string) => boolean) => [values].flat().some((v) => test(String(v)))
  if (one.Action !== undefined ? !listed(one.Action, action) : listed(one.NotAction, action)) return false
  if (one.Resource !== undefined ? !listed(one.Resource, resource) : listed(one.NotResource, resource)) return false
  for (const [operator, keys] of Object.entries(one.Condition ?? {}))
    for (const [key, expected] of Object.entries(keys))
      if (!holds(operator, [expected].flat().map(String), request.context[key.toLowerCase()], request.context))
        return false
  return true
}

function holds(
  operator: string,
  expected: string[],
  actual: string | string[] | undefined,
  context: PlainRequest['context'],
): boolean {
  const values = actual === undefined ? [] : [actual].flat()
  if (operator === 'Null') return expected.includes(values.length === 0 ? 'true' : 'false')
  if (operator.endsWith('IfExists'))
    return values.length === 0 || holds(operator.slice(0, -'IfExists'.length), expected, actual, context)
  if (operator.startsWith('ForAnyValue:'))
    return values.some((value) => holds(operator.slice('ForAnyValue:'.length), expected, value, context))
  if (operator.startsWith('ForAllValues:'))
    return values.every((value) => holds(operator.slice('ForAllValues:'.length), expected, value, context))
  const opposite = operator.replace('Not', '')
  if (opposite !== operator) return !holds(opposite, expected, actual, context)
  return values.some((value) => expected.some((one) => compare(operator, value, one, context)))
}

function compare(operator: string, value: string, expected: string, context: PlainRequest['context']): boolean {
  const filled = fill(expected, context)
  switch (operator) {
    case 'StringEquals':
      return filled !== undefined && value === filled.replaceAll(STAR, '*')
    case 'StringEqualsIgnoreCase':
      return filled !== undefined && value.toLowerCase() === filled.replaceAll(STAR, '*').toLowerCase()
    case 'StringLike':
      return filled !== undefined && glob(filled, value)
    case 'NumericLessThan':
      return value !== '' && Number(value) < Number(expected)
    case 'NumericEquals':
      return value !== '' && Number(value) === Number(expected)
    case 'Bool':
      return value === expected
    default:
      throw new Error(`The generator knows more operators than the evaluator: ${operator}`)
  }
}

/** Stands for a star that was inserted. */
const STAR = '\u0001'

function fill(text: string, context: PlainRequest['context']): string | undefined {
  const at = text.indexOf('${')
  if (at === -1) return text
  const end = text.indexOf('}', at)
  const [key = '', fallback] = text.slice(at + 2, end).split(', ')
  const value = context[key.toLowerCase()]
  const inserted = key === '*' ? '*' : typeof value === 'string' ? value : fallback?.slice(1, -1)
  const rest = fill(text.slice(end + 1), context)
  if (inserted === undefined || rest === undefined) return undefined
  return text.slice(0, at) + inserted.replaceAll('*', STAR) + rest
}

function glob(pattern: string, value: string): boolean {
  const [first, rest] = [pattern[0], pattern.slice(1)]
  if (first === undefined) return value === ''
  if (first === '*') return glob(rest, value) || (value !== '' && glob(pattern, value.slice(1)))
  if (value === '') return false
  return (first === '?' || (first === STAR ? '*' : first) === value[0]) && glob(rest, value.slice(1))
}
