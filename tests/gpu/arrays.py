"""Arrays on their way to a device."""


def upload(device, array):
    there = device.empty(array.shape, array.dtype)
    device.upload(there, array)
    return there
