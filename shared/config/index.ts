export { parseDocument, type SchemaOf, schema } from './document.ts'
export { ConfigError, DocumentError } from './errors.ts'
export { withFileSettings } from './file-settings.ts'
export { type Environment, readSettings, type SettingReader } from './settings.ts'
