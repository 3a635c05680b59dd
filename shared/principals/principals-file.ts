/**
 * The principals file: its schema, and what a schema cannot say. Text in, values out; reading and
 * writing the file are its neighbours' work, and compiling its policies is index-principals.ts's.
 *
 * Version 2. Version 1 knew users and roots alone, and no policies: it is read as the version 2 that means the
 * same, with users who may do everything in their account.
 */

import { DocumentError, parseDocument, type SchemaOf, schema } from '#shared/config'
import { BrokerError } from '#shared/errors'
import { ADMINISTRATOR_ACCESS } from './administrator-access.ts'
import { assertServiceName, parsePrincipalArn } from './principal-arn.ts'

/** As IAM has it: a second one so that the first can be replaced without a gap. */
export const MAX_ACCESS_KEYS = 2

const MAX_TAGS = 50

// Strict objects: a field that this release does not know might be a restriction it would not enforce.
const accessKeyFields = {
  id: schema.string().regex(/^[A-Z0-9]{16,128}$/),
  secret: schema.string().regex(/^[A-Za-z0-9/+=]{32,128}$/),
  createdAt: schema.int().nonnegative(),
}
const accessKeySchema = schema.strictObject({
  ...accessKeyFields,
  /** Absent: Active. */
  status: schema.enum(['Active', 'Inactive']).optional(),
})
const accessKeysSchema = schema.array(accessKeySchema).max(MAX_ACCESS_KEYS)

const documentSchema = schema.looseObject({})
// The schema library leaves this name out of maps without a word, and a Deny must not vanish.
const mapSchema = schema.custom<object>(
  (value) => Object(value) === value && !Object.hasOwn(Object(value), '__proto__'),
)
const policiesSchema = mapSchema.pipe(schema.record(schema.string().regex(/^[\w+=,.@-]{1,128}$/), documentSchema))
const tagsSchema = mapSchema
  .pipe(schema.record(schema.string().regex(/^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/iu), schema.string().max(256)))
  .refine((tags) => Object.keys(tags).length <= MAX_TAGS)

/** Of AWS KMS: another account's role, maybe of another partition. */
const kmsRoleArnSchema = schema.string().regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,576}$/)

const userSchema = schema.strictObject({
  arn: schema.string(),
  userId: schema.string().regex(/^AIDA[A-Z2-7]{17}$/),
  accessKeys: accessKeysSchema,
  policies: policiesSchema,
  tags: tagsSchema.optional(),
  kmsRoleArn: kmsRoleArnSchema.optional(),
})

const rootSchema = schema.strictObject({
  arn: schema.string(),
  userId: schema.string().regex(/^\d{12}$/),
  accessKeys: accessKeysSchema,
})

const roleSchema = schema.strictObject({
  arn: schema.string(),
  roleId: schema.string().regex(/^AROA[A-Z2-7]{17}$/),
  trustPolicy: documentSchema,
  policies: policiesSchema,
  maxSessionSeconds: schema.int().min(3_600).max(43_200).optional(),
  tags: tagsSchema.optional(),
  kmsRoleArn: kmsRoleArnSchema.optional(),
})

const serviceSchema = schema.strictObject({ service: schema.string(), accessKeys: accessKeysSchema })

const accountsSchema = mapSchema.pipe(
  schema.record(
    schema.string().regex(/^\d{12}$/),
    schema.strictObject({ organizationId: schema.string().regex(/^o-[a-z0-9]{10,32}$/) }),
  ),
)

export type AccessKeyEntry = SchemaOf<typeof accessKeySchema>
export type PolicyDocuments = SchemaOf<typeof policiesSchema>
export type UserEntry = SchemaOf<typeof userSchema>
export type RootEntry = SchemaOf<typeof rootSchema>
export type RoleEntry = SchemaOf<typeof roleSchema>
export type ServiceEntry = SchemaOf<typeof serviceSchema>
export type PrincipalEntry = UserEntry | RootEntry | RoleEntry | ServiceEntry

/** Which kind an entry is of shows in its fields; which of them it must have follows from the kind. */
const entrySchema = schema.unknown().transform((entry, context): PrincipalEntry => {
  const parsed = schemaOf(Object(entry)).safeParse(entry)
  if (parsed.success) return parsed.data
  for (const { path } of parsed.error.issues) context.addIssue({ code: 'custom', path })
  return schema.NEVER
})

function schemaOf(entry: { arn?: unknown; service?: unknown }) {
  if (entry.service !== undefined) return serviceSchema
  const arn = String(entry.arn)
  if (/^[^/]*:root$/.test(arn)) return rootSchema
  return /^[^/]*:role\//.test(arn) ? roleSchema : userSchema
}

const fileSchema = schema.strictObject({
  version: schema.literal(2),
  accounts: accountsSchema.optional(),
  principals: schema.array(entrySchema),
})

export type PrincipalsDocument = SchemaOf<typeof fileSchema>

const firstFileSchema = schema.strictObject({
  version: schema.literal(1),
  principals: schema.array(
    schema.strictObject({
      arn: schema.string(),
      userId: schema.string().regex(/^(?:AIDA[A-Z2-7]{17}|\d{12})$/),
      accessKeys: schema.array(schema.strictObject(accessKeyFields)),
    }),
  ),
})

// One reading of the text: it may be large, and services wait for it.
const anyVersionSchema = schema.discriminatedUnion('version', [firstFileSchema, fileSchema])

/** Far more than any deployment needs: 10,000 principals with full policies are 20 to 30 MB. */
export const MAX_FILE_BYTES = 64 * 1024 * 1024

const NAME = 'principals file'

/** @throws {DocumentError} naming the place that is wrong, never a value but an ARN that stands there twice */
export function parsePrincipalsDocument(text: string): PrincipalsDocument {
  const read = parseDocument(NAME, anyVersionSchema, text)
  const document = read.version === 1 ? fromFirstVersion(read) : read
  const names = new Set<string>()
  const givenNames = new Set<string>()
  const accessKeyIds = new Set<string>()
  for (const [at, entry] of document.principals.entries()) {
    const name = nameOf(entry)
    checkName(entry, `principals.${at}.${'service' in entry ? 'service' : 'arn'}`)
    if (names.has(name)) throw new DocumentError(`Cannot read the ${NAME}: ${name} is there twice`)
    names.add(name)
    const given = givenNameOf(entry)
    if (givenNames.has(given)) throw new DocumentError(`Cannot read the ${NAME}: ${name} has another one's name`)
    givenNames.add(given)
    for (const { id } of accessKeysOf(entry)) {
      if (accessKeyIds.has(id)) {
        throw new DocumentError(`Cannot read the ${NAME}: an access key of ${name} is there twice`)
      }
      accessKeyIds.add(id)
    }
  }
  return document
}

/** @throws {DocumentError} when it is too large to be read again */
export function formatPrincipalsDocument(document: PrincipalsDocument): string {
  const text = `${JSON.stringify(document, undefined, 2)}\n`
  if (Buffer.byteLength(text) <= MAX_FILE_BYTES) return text
  throw new DocumentError(`Cannot write the ${NAME}: it may have at most ${MAX_FILE_BYTES} bytes`)
}

/** What it is called by: its ARN, or a service's name. */
export function nameOf(entry: PrincipalEntry): string {
  return 'service' in entry ? entry.service : entry.arn
}

/**
 * What nobody else of the account and kind may be called, whatever path and case, as in IAM: a session's ARN has its role's
 * name without the path, and so has `aws:username`, so that a policy for one would be for both.
 */
export function givenNameOf(entry: PrincipalEntry): string {
  return nameOf(entry)
    .replace(/\/.*\//, '/')
    .toLowerCase()
}

/** None of a role: its sessions have keys of their own. */
export function accessKeysOf(entry: PrincipalEntry): readonly AccessKeyEntry[] {
  return 'accessKeys' in entry ? entry.accessKeys : []
}

function fromFirstVersion({ principals }: SchemaOf<typeof firstFileSchema>): PrincipalsDocument {
  return {
    version: 2,
    principals: principals.map((entry, at) => {
      if (entry.arn.includes(':role/')) throw new DocumentError(`Cannot read the ${NAME}: bad principals.${at}.arn`)
      return entry.arn.endsWith(':root') ? entry : { ...entry, policies: ADMINISTRATOR_ACCESS }
    }),
  }
}

function checkName(entry: PrincipalEntry, place: string): void {
  try {
    if ('service' in entry) assertServiceName(entry.service)
    else parsePrincipalArn(entry.arn)
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    throw new DocumentError(`Cannot read the ${NAME}: bad ${place}`)
  }
}
