export async function shell(_: unknown): Promise<number> {
  return 1;
}
