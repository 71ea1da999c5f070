// The little of Node that typescript.ts uses.
declare const process: { env: Record<string, string | undefined>; pid: number };
