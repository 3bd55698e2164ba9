@rem Leaves the environment. What to put back is known where it was changed.
@"%~dp0activate.bat" --deactivate
