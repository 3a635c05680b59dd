/**
 * The principals file: its schema, and what a schema cannot say. Text in, values out; reading and
 * writing the file are its neighbours' work.
 */

import { DocumentError, parseDocument, type SchemaOf, schema } from '#shared/config'
import { BrokerError } from '#shared/errors'
import { parsePrincipalArn } from './principal-arn.ts'

// Strict objects: a field that this release does not know might be a restriction it would not enforce.
const accessKeySchema = schema.strictObject({
  id: schema.string().regex(/^[A-Z0-9]{16,128}$/),
  secret: schema.string().regex(/^[A-Za-z0-9/+=]{32,128}$/),
  createdAt: schema.int().nonnegative(),
})

const principalSchema = schema.strictObject({
  arn: schema.string(),
  userId: schema.string().regex(/^(?:AIDA[A-Z2-7]{17}|\d{12})$/),
  accessKeys: schema.array(accessKeySchema),
})

const fileSchema = schema.strictObject({ version: schema.literal(1), principals: schema.array(principalSchema) })

export type PrincipalsDocument = SchemaOf<typeof fileSchema>
export type PrincipalEntry = SchemaOf<typeof principalSchema>

const NAME = 'principals file'

/** @throws {DocumentError} naming the place that is wrong, never a value but an ARN that stands there twice */
export function parsePrincipalsDocument(text: string): PrincipalsDocument {
  const document = parseDocument(NAME, fileSchema, text)
  const arns = new Set<string>()
  const accessKeyIds = new Set<string>()
  for (const [at, { arn, accessKeys }] of document.principals.entries()) {
    checkArn(arn, `principals.${at}.arn`)
    if (arns.has(arn)) throw new DocumentError(`Cannot read the ${NAME}: ${arn} is there twice`)
    arns.add(arn)
    for (const { id } of accessKeys) {
      if (accessKeyIds.has(id))
        throw new DocumentError(`Cannot read the ${NAME}: an access key of ${arn} is there twice`)
      accessKeyIds.add(id)
    }
  }
  return document
}

export function formatPrincipalsDocument(document: PrincipalsDocument): string {
  return `${JSON.stringify(document, undefined, 2)}\n`
}

function checkArn(arn: string, place: string): void {
  try {
    parsePrincipalArn(arn)
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    throw new DocumentError(`Cannot read the ${NAME}: bad ${place}`)
  }
}
