using System.Runtime.InteropServices;
using NetZero.Tensors;

namespace NetZero.Collectives.Mpi;

/// <summary>The values that a program gets from <c>mpi.h</c>: addresses of the library's own objects in Open MPI, numbers in MPICH.</summary>
internal sealed unsafe class MpiAbi
{
    private readonly nint _float;
    private readonly nint _double;
    private readonly nint _int32;
    private readonly nint _int64;
    private readonly nint _uint16;

    private MpiAbi(MpiLibrary library)
    {
        if (library.Flavor == MpiFlavor.OpenMpi)
        {
            // mpi.h: OMPI_PREDEFINED_GLOBAL(type, object) is the object's address.
            World = Object("ompi_mpi_comm_world");
            ErrorsReturn = Object("ompi_mpi_errors_return");
            NoRequest = Object("ompi_request_null");
            NoComm = Object("ompi_mpi_comm_null");
            Byte = Object("ompi_mpi_byte");
            _float = Object("ompi_mpi_float");
            _double = Object("ompi_mpi_double");
            _int32 = Object("ompi_mpi_int32_t");
            _int64 = Object("ompi_mpi_int64_t");
            _uint16 = Object("ompi_mpi_uint16_t");
            (Sum, Max, Min) = (Object("ompi_mpi_op_sum"), Object("ompi_mpi_op_max"), Object("ompi_mpi_op_min"));
            InPlace = (void*)1;
            IgnoreStatus = 0;
        }
        else
        {
            // mpi.h of MPICH; the values are part of its binary interface.
            World = 0x44000000;
            ErrorsReturn = 0x54000001;
            NoRequest = 0x2c000000;
            NoComm = 0x04000000;
            Byte = 0x4c00010d;
            _float = 0x4c00040a;
            _double = 0x4c00080b;
            _int32 = 0x4c000439;
            _int64 = 0x4c00083a;
            _uint16 = 0x4c00023c;
            (Max, Min, Sum) = (0x58000001, 0x58000002, 0x58000003);
            InPlace = (void*)-1;
            IgnoreStatus = 1;
        }

        nint Object(string name) => NativeLibrary.GetExport(library.Handle, name);
    }

    public nint World { get; }

    public nint ErrorsReturn { get; }

    public nint NoRequest { get; }

    public nint NoComm { get; }

    public nint Byte { get; }

    public nint Sum { get; }

    public nint Max { get; }

    public nint Min { get; }

    public void* InPlace { get; }

    public nint IgnoreStatus { get; }

    /// <summary>The type of host scalars.</summary>
    public nint Double => _double;

    public static MpiAbi Of(MpiLibrary library) => new(library);

    /// <summary>The type that moves elements of a type; 16-bit floats move as whole numbers of their size.</summary>
    public nint TypeOf(DType dtype) => dtype switch
    {
        DType.F32 => _float,
        DType.I32 => _int32,
        DType.I64 => _int64,
        DType.BF16 or DType.F16 => _uint16,
        DType.U8 => Byte,
        _ => throw new ArgumentOutOfRangeException(nameof(dtype), dtype, "Unknown element type."),
    };
}
