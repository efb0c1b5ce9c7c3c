/* The small guest that accelerator.c runs: from the reset vector through real and protected mode into 64-bit long mode, where
 * it does in little what a kernel does at boot (page tables, touching memory, copying, exits to the host), then reports
 * success through the device isa-debug-exit. It is data of ours, run by nobody but the guest's processor.
 *
 * accelerator.c puts it at the end of the 64 KiB of firmware, that is at guest address 0xff000. */

#define GUEST_BASE 0xff000
#define EXIT_PORT 0xf4
#define EXIT_SUCCESS 0x2a
#define PML4 0x10000
#define PDPT 0x11000
#define PD 0x12000
#define PAGE_TABLES 0x20000 /* 16 of them: the first 32 MiB in pages of 4 KiB */
#define MAPPED_PAGES (16 * 512)
#define TOUCH_FROM 0x100000
#define TOUCH_TO 0x1000000  /* 15 MiB touched, then copied up by 16 MiB */
#define COPY_TO 0x1100000

        .section .rodata
        .globl accelerator_guest, accelerator_guest_end
        .balign 16
accelerator_guest:
        .code16
        cli
        cld
        lgdtl %cs:(descriptors_pointer - accelerator_guest + 0xf000)
        movl %cr0, %eax
        orl $1, %eax
        movl %eax, %cr0
        ljmpl $8, $(protected - accelerator_guest + GUEST_BASE)

        .code32
protected:
        movw $16, %ax
        movw %ax, %ds
        movw %ax, %es
        movw %ax, %ss
        movl $0x9000, %esp
        xorl %eax, %eax
        movl $PML4, %edi
        movl $(0x3000 / 4), %ecx
        rep stosl
        movl $(PDPT | 3), PML4
        movl $(PD | 3), PDPT
        movl $(PAGE_TABLES | 3), %eax
        movl $PD, %edi
        movl $16, %ecx
1:      movl %eax, (%edi)
        addl $0x1000, %eax
        addl $8, %edi
        loop 1b
        movl $3, %eax
        movl $PAGE_TABLES, %edi
        movl $MAPPED_PAGES, %ecx
2:      movl %eax, (%edi)
        movl $0, 4(%edi)
        addl $0x1000, %eax
        addl $8, %edi
        loop 2b
        movl $PML4, %eax
        movl %eax, %cr3
        movl %cr4, %eax
        orl $0x620, %eax /* PAE, OSFXSR, OSXMMEXCPT */
        movl %eax, %cr4
        movl $0xc0000080, %ecx
        rdmsr
        orl $0x100, %eax /* EFER.LME */
        wrmsr
        movl %cr0, %eax
        andl $0xfffffffb, %eax /* no x87 emulation */
        orl $0x80000002, %eax /* paging, monitor coprocessor */
        movl %eax, %cr0
        ljmpl $24, $(long_mode - accelerator_guest + GUEST_BASE)

        .code64
long_mode:
        movq $TOUCH_FROM, %rdi
3:      movq %rdi, (%rdi)
        addq $0x1000, %rdi
        cmpq $TOUCH_TO, %rdi
        jb 3b
        movq $TOUCH_FROM, %rsi
        movq $COPY_TO, %rdi
        movq $((TOUCH_TO - TOUCH_FROM) / 8), %rcx
        rep movsq
        movq $COPY_TO, %rdi
        movq $TOUCH_FROM, %rax
4:      cmpq %rax, (%rdi)
        jne 6f
        addq $0x1000, %rdi
        addq $0x1000, %rax
        cmpq $TOUCH_TO, %rax
        jb 4b
        movl $200, %r8d
5:      xorl %eax, %eax
        cpuid
        movq %cr3, %rax
        movq %rax, %cr3
        inb $0x80, %al
        pxor %xmm0, %xmm0
        decl %r8d
        jnz 5b
        movb $EXIT_SUCCESS, %al
        outb %al, $EXIT_PORT
6:      hlt
        jmp 6b

        .balign 8
descriptors:
        .quad 0
        .quad 0x00cf9a000000ffff /* 8: 32-bit code */
        .quad 0x00cf92000000ffff /* 16: data */
        .quad 0x00af9a000000ffff /* 24: 64-bit code */
descriptors_pointer:
        .word descriptors_pointer - descriptors - 1
        .long descriptors - accelerator_guest + GUEST_BASE
accelerator_guest_end:
        .byte 0

        .section .note.GNU-stack, "", @progbits
