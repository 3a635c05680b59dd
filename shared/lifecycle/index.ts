export { notifyReady } from './notify-ready.ts'
export { shutdownSignal } from './shutdown-signal.ts'
