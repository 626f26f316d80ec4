/**
 * The smallest kernel that qemu starts: 16-bit code that writes a banner with an escape sequence and "ready> " on the first serial line, then
 * writes back what it reads. "f" makes it write 8192 of them
 * without waiting for the line, as Linux does after 10 ms; "q" resets the machine, "!" does so after a line such as a panic begins with. As from this source:
 *
 *     start: mov %cs, %ax;  mov %ax, %ds;  mov $(text - 0x200), %si;  cld
 *     print: lodsb;  test %al, %al;  jz read;  call put;  jmp print
 *     read:  mov $0x3fd, %dx;  in %dx, %al;  test $1, %al;  jz read;  mov $0x3f8, %dx;  in %dx, %al
 *            cmp $'q', %al;  je off;  cmp $'!', %al;  je oops;  cmp $'f', %al;  je fill;  call put;  jmp read
 *     fill:  mov $8192, %cx;  mov $'f', %al
 *     3:     out %al, %dx;  loop 3b;  jmp read
 *     put:   mov %al, %ah;  mov $0x3fd, %dx
 *     1:     in %dx, %al;  test $0x20, %al;  jz 1b;  mov %ah, %al;  mov $0x3f8, %dx;  out %al, %dx;  ret
 *     oops:  mov $(panic - 0x200), %si
 *     2:     lodsb;  test %al, %al;  jz off;  call put;  jmp 2b
 *     off:   mov $0xfe, %al;  out %al, $0x64;  hlt;  jmp off
 *     text:  "Linux version 0 \033[1mtiny\033[0m\\r\\nready> "
 *     panic: "\\r\\nKernel panic - not syncing: told to\\r\\n"
 */
const CODE = [
  '8cc88ed8be9e00fcac84c07405e82900ebf6bafd03eca80174f8baf803ec3c7174353c2174243c667405e80c00ebe3b9',
  '0020b066eee2fdebd988c4bafd03eca82074fb88e0baf803eec3bec400ac84c07405e8e4ffebf6b0fee664f4ebf94c69',
  '6e75782076657273696f6e2030201b5b316d74696e791b5b306d0d0a72656164793e20000d0a4b65726e656c2070616e',
  '6963202d206e6f742073796e63696e673a20746f6c6420746f0d0a00',
].join('');

/** Where the code begins: behind the header that says how a kernel is loaded (Documentation/x86/boot.rst). */
const START = 0x240;

export function tinyKernel(): Buffer {
  const kernel = Buffer.alloc(0x600);
  kernel[0x1f1] = 1; // sectors of this code after the first one
  kernel.writeUInt16LE(0xaa55, 0x1fe);
  kernel.set([0xeb, START - 0x202], 0x200); // jmp start
  kernel.write('HdrS', 0x202);
  kernel.writeUInt16LE(0x0200, 0x206); // version of the protocol
  kernel[0x211] = 1; // the rest is loaded high
  kernel.write(CODE, START, 'hex');
  return kernel;
}
